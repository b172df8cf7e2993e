"""The contract every index meets, and the exact one."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.stack import tf


class Index(Protocol):
  """Maximum inner product search over N vectors, inside the graph.

  `build` forgets what was indexed before; only a function traced before it keeps the old, so trace anew. `search` answers
  the k best rows, best first, and gives fewer than k a score of -inf and row -1; `lookup` answers string ids, "" for none.
  """

  def build(self, vectors: np.ndarray, ids: Sequence[str]) -> "Index":
    """vectors: [N, D] float32; ids: N distinct strings. Returns itself."""
    ...

  def search(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """queries: [B, D] float32 -> scores [B, k] float32 and rows [B, k] int32."""
    ...

  def lookup(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """queries: [B, D] float32 -> scores [B, k] float32 and ids [B, k] string."""
    ...

  def describe(self) -> dict[str, Any]:
    """What JSON can hold of how it searches; `kind` and `products` at least."""
    ...


def checked(vectors: np.ndarray, ids: Sequence[str]) -> np.ndarray:
  """`vectors` as float32 [N, D], or a DataError that names what is wrong."""
  vectors = np.asarray(vectors, np.float32)
  if vectors.ndim != 2 or not len(vectors):
    raise DataError(fault("vectors", "must be [N, D] with N > 0", vectors.shape, "pass one vector a product"))
  if len(ids) != len(vectors):
    raise DataError(
      fault("ids", f"must name each of the {len(vectors)} vectors", len(ids), "pass one id a vector")
    )
  if len(set(ids)) != len(ids):
    raise DataError(
      fault("ids", "must be distinct", f"{len(ids) - len(set(ids))} repeats", "drop repeated products")
    )
  if not np.isfinite(vectors).all():
    row = int(np.argwhere(~np.isfinite(vectors))[0][0])
    raise DataError(
      fault("vectors", "must be finite", f"row {row}", "training diverged; lower the learning rate")
    )
  return vectors


def padded(scores: tf.Tensor, rows: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
  """Widens answers [B, n <= k] to [B, k]."""
  missing = [[0, 0], [0, k - tf.shape(scores)[1]]]
  scores, rows = (
    tf.pad(scores, missing, constant_values=float("-inf")),
    tf.pad(rows, missing, constant_values=-1),
  )
  return tf.ensure_shape(scores, [None, k]), tf.ensure_shape(rows, [None, k])


class Named(tf.Module):
  """The ids of an index: rows to strings."""

  ids: tf.Variable

  def search(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Index.search`."""
    raise TypeError(f"{type(self).__name__} is no index of its own; build an ExactIndex or a ScannIndex")

  def lookup(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Index.lookup`."""
    scores, rows = self.search(queries, k)
    return scores, tf.where(rows >= 0, tf.gather(self.ids, tf.maximum(rows, 0)), "")


class ExactIndex(Named):
  """Scores every product: one matrix product of B x D x N multiplications. The oracle of every other index."""

  def build(self, vectors: np.ndarray, ids: Sequence[str]) -> "ExactIndex":
    """See `Index.build`."""
    vectors = checked(vectors, ids)
    self.vectors = tf.Variable(vectors, trainable=False, name="exact_vectors")
    self.ids = tf.Variable(list(ids), trainable=False, name="exact_ids")
    return self

  def search(self, queries: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """See `Index.search`."""
    scores = tf.linalg.matmul(queries, self.vectors, transpose_b=True)
    best = tf.math.top_k(scores, min(k, self.vectors.shape[0]))
    return padded(best.values, best.indices, k)

  def describe(self) -> dict[str, Any]:
    """See `Index.describe`."""
    return {"kind": "exact", "products": self.vectors.shape[0]}
