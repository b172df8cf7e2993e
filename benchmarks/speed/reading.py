"""A log read, checked and put away in parts; held against reading the same bytes and no more."""

import pathlib
import shutil

import polars as pl

from benchmarks.speed import ceilings, shop
from benchmarks.speed.rows import Row, compared, in_turns
from tfrec_combo.base import config as c
from tfrec_combo.logs import sources

LINES, QUICK = 3_000_000, 300_000


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """One row a format. The peer has each row in memory, of the types that polars guesses, and has judged none."""
  lines = QUICK if quick else LINES
  return [_row(work, lines, suffix) for suffix in ("parquet", "csv")]


def _row(work: pathlib.Path, lines: int, suffix: str) -> Row:
  made = shop.made(work, lines, lines // 10, suffix)
  config = c.load(made)
  files = [made.parent / f"{name}.{suffix}" for name in ("products", "events")]
  read = {"parquet": pl.read_parquet, "csv": pl.read_csv}[suffix]

  def ours() -> None:
    folder = work / "log"
    shutil.rmtree(folder, ignore_errors=True)
    found = sources.log(config, folder)
    assert found.shop.products.height == lines // 10

  taken = in_turns({"ours": ours, "peer": lambda: [read(path) for path in files]})
  size = sum(path.stat().st_size for path in files)
  note = (
    f"{lines:,} order lines and {lines // 10:,} products, {size / 1e6:,.0f} MB. Ours checks every cell, looks for orders of "
    "several shoppers over all files, and leaves the lines sorted in parts on disk. The floor is the files read from disk."
  )
  floor = ceilings.here().seconds(read=size)
  return compared(
    f"reading a log, {suffix}", f"polars.read_{suffix}", taken["ours"], taken["peer"], floor=floor, note=note
  )
