"""Where a shop's tables come from, one file a source; `read` asks the one that the config names."""

import pathlib

from tfrec_combo.base.config import Config
from tfrec_combo.logs import log as logs
from tfrec_combo.logs import shop
from tfrec_combo.logs.sources import complete_journey, synthetic, tables


def read(config: Config, summary_path: pathlib.Path | None = None) -> shop.Shop:
  """The checked tables of the source `config.data.source`.

  summary_path: where `tables` writes what it dropped, as JSON, when `data.on_bad_row` is drop.

  Raises:
    ConfigError: the config lacks a table the source needs.
    DataError: a file cannot be read, or its rows break the data contract.
    StackError: the package that brings the data is not installed.
  """
  if config.data.source == "tables":
    return tables.read(config, summary_path)
  if config.data.source == "synthetic":
    return synthetic.synthetic(config.seed)
  return complete_journey.read(config)


def log(
  config: Config, folder: pathlib.Path, summary_path: pathlib.Path | None = None, count: int | None = None
) -> logs.Log:
  """What `read` gives, its events in parts in `folder` and, with `tables`, never in memory as a whole.

  count: parts, a power of 2; none: as many as the log's size asks for. Raises as `read` does.
  """
  if config.data.source == "tables":
    return tables.log(config, folder, summary_path, count)
  return logs.of_shop(read(config), config, folder, count)
