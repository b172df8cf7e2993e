"""ScaNN index (Guo et al., ICML 2020) over scann's TensorFlow ops."""

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrec_combo.base.stack import scann_ops, tf
from tfrec_combo.retrieval.index import Named, checked, padded

SMALLEST_TREE = 4096  # products; below that a partition tree saves nothing over hashing all of them
SMALLEST_HASH = (
  256  # products; below that asymmetric hashing has too few points to train its 16 centres a block
)

HASHED = 1 / 16  # of scoring a row: 4 bits stand for two floats

STATE = (
  "scann_config",
  "serialized_partitioner",
  "datapoint_to_token",
  "ah_codebook",
  "hashed_dataset",
  "int8_dataset",
  "int8_multipliers",
  "dp_norms",
  "dataset",
)


class ScannIndex(Named):
  """Partitions and asymmetric hashing, then exact scores for the best.

  The searcher is made from its saved state at the first search, under a `shared_name` of its own: without one, two indexes
  of one SavedModel answer with each other's products. (TFRS's ScaNN layer sets none, and keeps old ids on a second
  `index()`.)

  Args:
    leaves_share: share of the partitions that a search visits; 1 with a `reorder` of N or more is exact.
    reorder: candidates that are scored exactly; none: 4 times k, at least 200.
    leaves: partitions; none: sqrt(N), and one of small catalogues.
  """

  def __init__(self, leaves_share: float = 0.1, reorder: int | None = None, leaves: int | None = None):
    super().__init__(name="scann_index")
    self.leaves_share, self.reorder, self.wanted_leaves = leaves_share, reorder, leaves

  def build(self, vectors: np.ndarray, ids: Sequence[str]) -> "ScannIndex":
    """See `Index.build`."""
    vectors = checked(vectors, ids)
    n = len(vectors)
    self.size = n
    self.leaves = (self.wanted_leaves or int(np.sqrt(n))) if n >= SMALLEST_TREE else 1
    builder = scann_ops.builder(vectors, min(n, 100), "dot_product")
    if self.leaves > 1:
      # Training on a sample keeps the build linear; scann draws it, so that the size alone is set here.
      builder = builder.tree(self.leaves, self.visited, training_sample_size=min(n, 250_000), spherical=False)
    if n >= SMALLEST_HASH:
      builder = builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(
        min(n, self.reorder or 200)
      )
    else:
      builder = builder.score_brute_force()
    state = scann_ops.scann_to_tensors(builder.build().searcher_handle)
    for name, value in zip(STATE, state):
      setattr(self, name, tf.Variable(value, trainable=False, validate_shape=False, name=name))
    self.ids = tf.Variable(list(ids), trainable=False, name="scann_ids")
    self._shared_name = f"scann-{uuid.uuid4()}"
    return self

  @property
  def visited(self) -> int:
    """Partitions that a query visits."""
    return max(1, int(np.ceil(self.leaves * self.leaves_share)))

  def search(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Index.search`."""
    state = {name: getattr(self, name) for name in STATE}
    handle = scann_ops.tensors_to_scann(state.pop("dataset"), **state, shared_name=self._shared_name)
    n = min(k, self.size)
    rows, scores = scann_ops.scann_search_batched(handle, queries, n, self._reordered(k), self.visited, False)
    # scann answers fewer than n where the visited partitions hold fewer: fewer columns where that is so for every query,
    # and NaN where it is so for some.
    found = tf.math.is_finite(scores)
    rows = tf.where(found, rows, -1)
    scores = tf.where(found, scores, float("-inf"))
    return padded(scores, rows, k)

  def _reordered(self, k: int) -> int:
    return min(self.size, max(k, self.reorder) if self.reorder else max(4 * k, 200))

  def reorders(self, k: int) -> tuple[int | None, ...]:
    """See `autopilot.Tunable`."""
    if self.size < SMALLEST_HASH:
      return (None,)
    return tuple(dict.fromkeys(min(self.size, times * k) for times in (1, 2, 4, 8)))

  def work(self, k: int) -> float:
    """See `autopilot.Tunable`: the centres, the visited rows by their hashes of half a byte for two numbers, and those
    reordered."""
    if self.size < SMALLEST_HASH:
      return float(self.size)
    return self.leaves + HASHED * self.size * self.visited / self.leaves + self._reordered(k)

  def describe(self) -> dict[str, Any]:
    """See `Index.describe`."""
    found: dict[str, Any] = {
      "kind": "scann",
      "products": self.size,
      "leaves": self.leaves,
      "visited": self.visited,
    }
    return found | ({"reorder": self.reorder} if self.reorder else {})
