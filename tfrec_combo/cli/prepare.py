"""`tfrec-combo prepare`: a log to TFRecord."""

from typing import Annotated

import typer

from tfrec_combo.cli.options import BadRowOption, ConfigOption, FreshOption, SetOption, read_config
from tfrec_combo.cli.output import Answer


def prepare(
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  on_bad_row: BadRowOption = None,
  runner: Annotated[
    str | None,
    typer.Option(metavar="local|beam", help="Where: in this process, or as an Apache Beam pipeline."),
  ] = None,
  fresh: FreshOption = False,
) -> Answer:
  """Read, check and split an order log, and write it as TFRecord.

  Example: tfrec-combo prepare --config my_shop.yaml --on-bad-row drop
  """
  from tfrec_combo.cli import stages

  if runner is not None:
    overrides = [*(overrides or []), f"records.runner={runner}"]
  return Answer(stages.prepare(read_config(config, overrides, on_bad_row), fresh))
