"""A table in parts by a hash of one column: each fits into memory, however long the table."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

LINES = 500_000  # rows aimed at a part: some 300 MB with all that is made of them


def count_for(rows: int) -> int:
  """Parts for a table of about so many rows, a power of 2."""
  return 1 << max(0, -(-rows // LINES) - 1).bit_length()


@dataclasses.dataclass(frozen=True)
class Parts:
  """Rows go in frame by frame and come out part by part, those of a part in the order they went in.

  All rows of one value of `by` are in one part. The parts are ranges of the hash's values, so that what is sorted by that
  hash in each part is sorted over all parts. count: a power of 2. folder: where the rows are kept.
  """

  folder: pathlib.Path
  schema: Mapping[str, Any]
  by: str
  count: int = 1
  seed: int = 0

  def add(self, frame: pl.DataFrame) -> None:
    """Appends rows."""
    if self.count == 1:
      self.put(0, frame)
      return
    for (part,), rows in frame.group_by(self.part_of(frame[self.by]), maintain_order=True):
      self.put(int(str(part)), rows)

  def put(self, part: int, frame: pl.DataFrame) -> None:
    """Appends rows that all belong to one part."""
    target = self.folder / str(part)
    target.mkdir(parents=True, exist_ok=True)
    frame.select(*self.schema).write_ipc(target / f"{len(os.listdir(target)):08d}", compression="lz4")

  def part_of(self, values: pl.Series) -> pl.Series:
    """[n] UInt32 number of the part that each value of the column `by` belongs to."""
    if self.count == 1:
      return pl.zeros(len(values), dtype=pl.UInt32, eager=True)
    return (values.hash(self.seed) // (2**64 // self.count)).cast(pl.UInt32)

  def read(self, part: int) -> pl.DataFrame:
    """The rows of one part."""
    found = sorted((self.folder / str(part)).glob("*"))
    frames = [pl.read_ipc(path) for path in found]
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(self.schema))

  def each(self) -> Iterator[pl.DataFrame]:
    """All parts, one after the other."""
    return (self.read(part) for part in range(self.count))
