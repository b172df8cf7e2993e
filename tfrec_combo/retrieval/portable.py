"""An index of TensorFlow's own ops, which every TF Serving links: exact for small catalogues, partitioned for large ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.index import ExactIndex, checked, padded
from tfrec_combo.retrieval.partitions import partitions
from tfrec_combo.towers.constants import table

PER_LEAF = 4  # leaves are so many times sqrt(N)
CHUNK = 32  # rows that lie, and are copied, together: one by one they took three times as long
SPARE = (
  1.5  # chunks scored, of those that as many leaves hold on average: leaves near a query are the fuller ones
)


TABLES = ("centres", "starts", "rows")


class PortableIndex(ExactIndex):
  """Inverted lists: vectors lie in the order of learned partitions, and a query scores those of the nearest ones.

  Each query scores the same number of rows, whatever the batch and whatever the partitions hold, so that the work of a
  request is known and no row of a batch changes another. Partitions are padded to whole chunks. Vectors stay float32, as half
  the bytes (bfloat16) were no faster on a CPU: the scores are exact, and nothing is reordered.

  Args:
    exact_below: products; with fewer all are scored, by one matrix product.
    leaves: partitions; none: 4 sqrt(N).
    leaves_share: share of the partitions that a query searches; 1 is exact.
  """

  def __init__(self, exact_below: int = 50_000, leaves: int | None = None, leaves_share: float = 0.02):
    super().__init__(name="portable_index")
    self.exact_below, self.wanted_leaves, self.leaves_share = exact_below, leaves, leaves_share
    self.leaves, self.size = 1, 0
    self.reorder: int | None = None

  def build(self, vectors: np.ndarray, ids: Sequence[str]) -> "PortableIndex":
    """See `Index.build`."""
    vectors = checked(vectors, ids)
    self.leaves, self.size = 1, len(vectors)
    for name in TABLES:
      if hasattr(self, name):
        delattr(self, name)
    if self.size < self.exact_below:
      super().build(vectors, ids)
      return self
    found = partitions(vectors, self.wanted_leaves or int(PER_LEAF * np.sqrt(self.size)))
    self.leaves = len(found.centres)
    sizes = np.diff(found.starts)
    starts = np.concatenate([[0], np.cumsum(-(-sizes // CHUNK))]).astype(np.int32)
    places = np.arange(self.size) + np.repeat(CHUNK * starts[:-1] - found.starts[:-1], sizes)
    rows = np.full([starts[-1] * CHUNK], -1, np.int32)
    rows[places] = found.rows
    laid = np.zeros([len(rows), vectors.shape[1]], np.float32)
    laid[places] = vectors[found.rows]
    self.centres = table(found.centres, "portable_centres")
    self.starts = table(starts, "portable_starts")
    self.rows = table(rows.reshape([-1, CHUNK]), "portable_rows")
    self.vectors = table(laid.reshape([starts[-1], -1]), "portable_vectors")
    self.ids = table(np.array([i.encode() for i in ids], object), "portable_ids")
    return self

  @property
  def searched(self) -> int:
    """Partitions that a query searches."""
    return max(1, int(np.ceil(self.leaves * self.leaves_share)))

  def chunks(self, k: int) -> int:
    """Chunks of rows that a query for `k` scores."""
    every = self.rows.shape[0]
    usual = (
      every if self.searched == self.leaves else int(np.ceil(SPARE * self.searched * every / self.leaves))
    )
    return min(every, max(usual, -(-k // CHUNK)))

  def search(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Index.search`."""
    if self.leaves == 1:
      return super().search(queries, k)
    best = min(k, self.size)
    kinds = (tf.TensorSpec([best], tf.float32), tf.TensorSpec([best], tf.int32))
    # One query after the other: a batch would lay out the vectors of all at once.
    run = lambda queries: tf.map_fn(lambda q: self._one(q, best), queries, fn_output_signature=kinds)
    # Eager mode would loop in Python.
    run = tf.function(run, autograph=False) if tf.executing_eagerly() else run
    scores, rows = run(queries)
    return padded(scores, rows, k)

  def _one(self, query: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    near = tf.math.top_k(tf.linalg.matvec(self.centres, query), self.searched).indices
    first = tf.gather(self.starts, near)
    ends = tf.cumsum(tf.gather(self.starts, near + 1) - first)
    # Chunk i of the work is in the partition whose running total passes i.
    place = tf.range(self.chunks(k))
    leaf = tf.minimum(tf.searchsorted(ends, place, side="right"), self.searched - 1)
    before = tf.pad(ends[:-1], [[1, 0]])
    there = place < ends[-1]
    chunk = tf.where(there, place + tf.gather(first - before, leaf), 0)
    rows = tf.reshape(tf.where(there[:, None], tf.gather(self.rows, chunk), -1), [-1])
    vectors = tf.reshape(tf.gather(self.vectors, chunk), [-1, self.centres.shape[1]])
    scores = tf.where(rows >= 0, tf.linalg.matvec(vectors, query), float("-inf"))
    best = tf.math.top_k(scores, min(k, CHUNK * self.chunks(k)))
    missing = [[0, k - best.values.shape[0]]]
    found = tf.pad(tf.gather(rows, best.indices), missing, constant_values=-1)
    return tf.pad(best.values, missing, constant_values=float("-inf")), found

  def reorders(self, k: int) -> tuple[int | None, ...]:
    """See `autopilot.Tunable`."""
    return (None,)

  def work(self, k: int) -> float:
    """See `autopilot.Tunable`: the centres, and the rows of the searched partitions."""
    return float(self.size if self.leaves == 1 else self.leaves + CHUNK * self.chunks(k))

  def describe(self) -> dict[str, Any]:
    """See `Index.describe`."""
    if self.leaves == 1:
      return super().describe()
    found = {"kind": "partitions", "products": self.size, "leaves": self.leaves, "visited": self.searched}
    return found | {"rows scored": CHUNK * self.chunks(1)}
