"""A large shop as the files a user would have: products, order lines, and a config that reads them."""

import pathlib
from collections.abc import Callable, Iterable
from typing import Literal

import polars as pl
import pyarrow.parquet as pq

from tfrec_combo.base.files import written_aside
from tfrec_combo.logs.large import World

CONFIG = """# A synthetic shop: {size}, seed {seed}
name: synthetic_shop
data:
  source: tables
  products:
    path: products.{suffix}
    columns: {{text: title}}
  events:
    path: events.{suffix}
"""


def write(
  world: World,
  folder: pathlib.Path,
  suffix: Literal["parquet", "csv"] = "parquet",
  progress: Callable[[int, int], None] = lambda done, total: None,
) -> pathlib.Path:
  """Writes products, events and shop.yaml to `folder`, whole or not at all; the path of the config.

  A chunk is in memory at a time. progress is called with the number of lines written, and that of all.
  """
  with written_aside(folder) as aside:
    aside.mkdir()
    _stream(world.products(), aside / f"products.{suffix}", lambda rows: None)
    _stream(world.events(), aside / f"events.{suffix}", lambda rows: progress(rows, world.size.lines))
    text = CONFIG.format(size=world.size, seed=world.seed, suffix=suffix)
    (aside / "shop.yaml").write_text(text, encoding="utf-8")
  return folder / "shop.yaml"


def _stream(chunks: Iterable[pl.DataFrame], path: pathlib.Path, report: Callable[[int], None]) -> None:
  rows = 0
  writer = None
  with open(path, "wb") as file:
    for chunk in chunks:
      if path.suffix == ".csv":
        chunk.write_csv(file, include_header=not rows)
      else:
        table = chunk.to_arrow()
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
      rows += len(chunk)
      report(rows)
    if writer:
      writer.close()
