"""An index of TensorFlow's own ops, which every TF Serving links: exact for small catalogues, partitioned for large ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.index import ExactIndex, checked, padded
from tfrec_combo.retrieval.partitions import partitions

PER_LEAF = 4  # leaves are so many times sqrt(N)
SPARE = (
  1.5  # rows scored, of those that as many leaves hold on average: leaves near a query are the fuller ones
)


class PortableIndex(ExactIndex):
  """Inverted lists: vectors lie in the order of learned partitions, and a query scores those of the nearest ones.

  Each query scores the same number of rows, whatever the batch and whatever the partitions hold, so that the work of a
  request is known and no row of a batch changes another. Vectors stay float32, as half the bytes (bfloat16) were no faster
  on a CPU: the scores are exact, and nothing is reordered.

  Args:
    exact_below: products; with fewer all are scored, by one matrix product.
    leaves: partitions; none: 4 sqrt(N).
    leaves_share: share of the partitions that a query searches; 1 is exact.
  """

  def __init__(self, exact_below: int = 50_000, leaves: int | None = None, leaves_share: float = 0.02):
    super().__init__(name="portable_index")
    self.exact_below, self.wanted_leaves, self.leaves_share = exact_below, leaves, leaves_share
    self.leaves = 1
    self.reorder: int | None = None

  def build(self, vectors: np.ndarray, ids: Sequence[str]) -> "PortableIndex":
    """See `Index.build`."""
    vectors = checked(vectors, ids)
    self.leaves, self.centres, self.starts, self.rows = 1, None, None, None
    if len(vectors) < self.exact_below:
      super().build(vectors, ids)
      return self
    found = partitions(vectors, self.wanted_leaves or int(PER_LEAF * np.sqrt(len(vectors))))
    self.leaves = len(found.centres)
    self.centres = tf.Variable(found.centres, trainable=False, name="portable_centres")
    self.starts = tf.Variable(found.starts, trainable=False, name="portable_starts")
    self.rows = tf.Variable(found.rows, trainable=False, name="portable_rows")
    self.vectors = tf.Variable(vectors[found.rows], trainable=False, name="portable_vectors")
    self.ids = tf.Variable(list(ids), trainable=False, name="portable_ids")
    return self

  @property
  def searched(self) -> int:
    """Partitions that a query searches."""
    return max(1, int(np.ceil(self.leaves * self.leaves_share)))

  def scored(self, k: int) -> int:
    """Rows that a query for `k` scores."""
    n = self.vectors.shape[0]
    return min(n, max(k, n if self.searched == self.leaves else int(SPARE * self.searched * n / self.leaves)))

  def search(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Index.search`."""
    if self.leaves == 1:
      return super().search(queries, k)
    best = min(k, self.vectors.shape[0])
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
    # Place i of the work is in the partition whose running total passes i.
    place = tf.range(self.scored(k))
    leaf = tf.minimum(tf.searchsorted(ends, place, side="right"), self.searched - 1)
    before = tf.pad(ends[:-1], [[1, 0]])
    there = place < ends[-1]
    position = tf.where(there, place + tf.gather(first - before, leaf), 0)
    scores = tf.linalg.matvec(tf.gather(self.vectors, position), query)
    best = tf.math.top_k(tf.where(there, scores, float("-inf")), k)
    rows = tf.gather(self.rows, tf.gather(position, best.indices))
    return best.values, tf.where(tf.math.is_finite(best.values), rows, -1)

  def reorders(self, k: int) -> tuple[int | None, ...]:
    """See `autopilot.Tunable`."""
    return (None,)

  def work(self, k: int) -> float:
    """See `autopilot.Tunable`: the centres, and the rows of the searched partitions."""
    return float(self.vectors.shape[0] if self.leaves == 1 else self.leaves + self.scored(k))

  def describe(self) -> dict[str, Any]:
    """See `Index.describe`."""
    if self.leaves == 1:
      return super().describe()
    found = {"kind": "partitions", "products": self.vectors.shape[0], "leaves": self.leaves}
    return found | {"visited": self.searched, "rows scored": self.scored(1)}
