"""Sets an index to a recall, by trying: the least work that finds enough."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.index import Index

SHARES = (0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1, 0.15, 0.25, 0.4, 0.65, 1.0)
SURVEYED = (0.01, 0.03, 0.1, 0.3, 1.0)  # of the leaves, where nothing is chosen
SEVERAL_BELOW = (
  200_000  # products; from there on only one number of leaves is tried, as each takes its minute to learn
)
QUERIES = 200  # asked at most
TIMED = 9  # of those, one by one
BLOCK = 16  # queries scored at once: of a million products each takes 12 MB


class Tunable(Index, Protocol):
  """An index whose settings change between searches. `reorder` is None where nothing is reordered."""

  leaves: int
  leaves_share: float
  reorder: int | None

  def reorders(self, k: int) -> tuple[int | None, ...]:
    """The settings of `reorder` that are worth a try."""
    ...

  def work(self, k: int) -> float:
    """What a search for k costs, in rows scored by an exact index."""
    ...


@dataclasses.dataclass(frozen=True)
class Point:
  """One setting of an index and what it gave. recall: mean share of the exact best k that it found. work: see `Tunable`.
  microseconds: of a query, the median of a few, on a machine that may have done other things; nothing is chosen by it."""

  leaves: int
  leaves_share: float
  reorder: int | None
  recall: float
  work: float
  microseconds: float


@dataclasses.dataclass(frozen=True)
class Tuned:
  """The index at its chosen setting, and all that was tried, least work first."""

  index: Any
  chosen: Point
  tried: list[Point]

  def as_dict(self) -> dict[str, Any]:
    """What JSON can hold."""
    return {"chosen": dataclasses.asdict(self.chosen), "tried": [dataclasses.asdict(p) for p in self.tried]}


def tune(
  make: Callable[[int | None], Any],
  vectors: np.ndarray,
  ids: Sequence[str],
  queries: np.ndarray,
  k: int,
  target: float,
) -> Tuned:
  """Tries numbers of leaves, shares of them that are searched, and rows that are reordered.

  Args:
    make: an index of so many leaves, not built yet; none: of its own number.
    queries: [Q, D], none of which was learnt from; the first QUERIES are asked.
    target: least recall of the best `k`. The setting of least work that reaches it is chosen; where none does, that of the
      highest recall.
  """
  k, queries = min(k, len(ids)), queries[:QUERIES].astype(np.float32)
  best = exact(vectors, queries, k)
  built = [make(None).build(vectors, ids)]
  if len(ids) < SEVERAL_BELOW and built[0].leaves > 3:
    built += [make(n).build(vectors, ids) for n in (built[0].leaves // 2, 2 * built[0].leaves)]
  found: list[tuple[Point, Tunable]] = []
  for index in built:
    enough = False
    for share in _shares(index.leaves, SHARES):
      index.leaves_share = share
      for reorder in index.reorders(k):
        index.reorder = reorder
        found.append((_measured(index, queries, k, best), index))
      if enough:
        break
      # One more, to show what the next step up would cost.
      enough = max(point.recall for point, of in found if of is index) >= target
  found.sort(key=lambda one: (one[0].work, -one[0].recall))
  good = [one for one in found if one[0].recall >= target]
  chosen, index = good[0] if good else max(found, key=lambda one: one[0].recall)
  index.leaves_share, index.reorder = chosen.leaves_share, chosen.reorder
  return Tuned(index, chosen, [point for point, _ in found])


def survey(index: Any, vectors: np.ndarray, queries: np.ndarray, k: int) -> Tuned:
  """As `tune`, of an index that keeps its own setting: what that gives, and what a few other shares of its leaves would."""
  k, queries = min(k, len(vectors)), queries[:QUERIES].astype(np.float32)
  best, own = exact(vectors, queries, k), index.leaves_share
  found = []
  try:
    for share in _shares(index.leaves, (*SURVEYED, own)):
      index.leaves_share = share
      found.append(_measured(index, queries, k, best))
  finally:
    index.leaves_share = own
  found.sort(key=lambda point: (point.work, -point.recall))
  return Tuned(index, next(point for point in found if point.leaves_share == own), found)


def _shares(leaves: int, given: Sequence[float]) -> list[float]:
  """Those of `given` that differ in the leaves they search; of two that do not, the later."""
  return list({math.ceil(share * leaves): share for share in given}.values())


def exact(vectors: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
  """The best k rows of each query by the matrix product, [Q, k], in no order."""
  parts = (queries[i : i + BLOCK] @ vectors.T for i in range(0, len(queries), BLOCK))
  return np.concatenate([np.argpartition(-part, k - 1, axis=1)[:, :k] for part in parts])


def _measured(index: Tunable, queries: np.ndarray, k: int, best: np.ndarray) -> Point:
  search = tf.function(lambda q: index.search(q, k)[1], autograph=False, reduce_retracing=True)
  rows = search(tf.constant(queries)).numpy()
  recall = float(np.mean([len(np.intersect1d(one, other)) / k for one, other in zip(rows, best)]))
  times = []
  for query in queries[:TIMED, None, :]:
    start = time.perf_counter()
    search(tf.constant(query))
    times.append(time.perf_counter() - start)
  # Of the middle one: the first traced the function anew.
  microseconds = round(float(np.median(times)) * 1e6, 1)
  return Point(index.leaves, index.leaves_share, index.reorder, recall, round(index.work(k), 1), microseconds)
