"""Records of a part of a log, put away in the order in which the shards hold them: an external sort.

The order is that of a hash of shopper and order, so it does not depend on how the log was parted, and shuffles it well. Each
part is one file of runs, a run a split and range of the hash; a shard reads its ranges from all parts.
"""

import dataclasses
import itertools
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from tfrec_combo.base.config import Config
from tfrec_combo.base.schema import DECISION
from tfrec_combo.logs.cut import ORDER
from tfrec_combo.logs.decisions import SPLITS, Decisions
from tfrec_combo.records import codec

_SALT = 1_000_003  # of the order of records; the split and the draw have hashes of their own
_SCHEMA = pa.schema([("key", pa.uint64()), ("record", pa.binary())])


def limits(config: Config) -> dict[str, int]:
  """The most that a record holds of a history and of each part of an order."""
  return {"history": config.records.history, "basket": config.records.basket}


def put(decisions: Decisions, path: pathlib.Path, ranges: int, *, history: int, basket: int) -> np.ndarray:
  """Encodes and writes all decisions to `path`; [splits, ranges] int64, how many lie in each run.

  ranges: a power of 2.

  Raises:
    DataError: a decision breaks the data contract; it is named.
  """
  products = decisions.catalogue.height
  counts = np.zeros([len(SPLITS), ranges], np.int64)
  with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
    for s, split in enumerate(SPLITS):
      orders = decisions.orders.filter(pl.col("split") == split)
      keys = orders.select(pl.struct(ORDER).hash(_SALT)).to_series().to_numpy()
      order = np.argsort(keys, kind="stable")
      keys = keys[order]
      found = decisions.rows(orders[order])
      counts[s] = np.bincount(_range_of(keys, ranges), minlength=ranges)
      start = 0
      for count in counts[s].tolist():
        examples = (
          codec.of_decision(next(found), products=products, history=history, basket=basket)
          for _ in range(count)
        )
        records = [codec.encode(example, DECISION) for example in examples]
        run = [pa.array(keys[start : start + count]), pa.array(records, pa.binary())]
        writer.write_batch(pa.record_batch(run, schema=_SCHEMA))
        start += count
  return counts


def take(paths: Sequence[pathlib.Path], split: str, run: int, ranges: int) -> list[bytes]:
  """The records of one split and range over all parts, in their order."""
  found = []
  for path in paths:
    with pa.OSFile(str(path), "rb") as file:
      found.append(pa.ipc.open_file(file).get_batch(SPLITS.index(split) * ranges + run))
  keys = np.concatenate([batch.column("key").to_numpy() for batch in found])
  records = [record for batch in found for record in batch.column("record").to_pylist()]
  order = np.argsort(keys, kind="stable").tolist()
  if len(np.unique(keys)) < len(
    keys
  ):  # two orders of one hash come in the order of their bytes, whichever part comes first
    order = sorted(order, key=lambda i: (keys[i], records[i]))
  return [records[i] for i in order]


def _range_of(keys: np.ndarray, ranges: int) -> np.ndarray:
  return (
    np.zeros(len(keys), np.int64) if ranges == 1 else (keys // np.uint64(2**64 // ranges)).astype(np.int64)
  )


@dataclasses.dataclass(frozen=True)
class Shard:
  """Records `first` to `last`, exclusive, of a split, read anew each time. counts: [ranges], records in each over all parts."""

  paths: Sequence[pathlib.Path]
  split: str
  counts: Sequence[int]
  first: int
  last: int

  def __iter__(self) -> Iterator[bytes]:
    end = 0
    for run, count in enumerate(self.counts):
      start, end = end, end + count
      if start < self.last and end > self.first:
        yield from take(self.paths, self.split, run, len(self.counts))[
          max(self.first - start, 0) : self.last - start
        ]


def shards(paths: Sequence[pathlib.Path], counts: np.ndarray, most: int) -> dict[str, list[Shard]]:
  """The shards of each split that holds anything, of as equal a length as can be. counts: sum of what `put` gave."""
  found = {}
  for split, lengths in zip(SPLITS, counts.tolist()):
    total = sum(lengths)
    n = min(most, total)
    ends = [total * i // n for i in range(n + 1)] if n else []
    found[split] = [Shard(paths, split, lengths, first, last) for first, last in itertools.pairwise(ends)]
  return {split: some for split, some in found.items() if some}
