"""The exact best products of many queries, without sorting through all of them."""

import numpy as np

from tfrec_combo.base.stack import tf

GROUP = 32  # products that are told apart only where the best of them counts


def columns(vectors: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
  """vectors [N, D] as `best_rows` reads them, made once for all queries: [D, n] of whole groups and [D, rest]."""
  whole = len(vectors) // GROUP * GROUP
  turned = (np.ascontiguousarray(part.T, np.float32) for part in (vectors[:whole], vectors[whole:]))
  grouped, rest = map(tf.constant, turned)
  return grouped, rest


def best_rows(queries: tf.Tensor, products: tuple[tf.Tensor, tf.Tensor], k: int) -> tf.Tensor:
  """queries [B, D], products as `columns` gives them -> [B, k] int32 rows of the k <= N highest scores, best first.

  The k best lie in the k groups with the best maxima, and a maximum reads scores at the speed of memory: GROUP * k of them are
  left to choose from. Of equal scores the lower row comes first; which of those that are equal at the last place are in is
  open.
  """
  grouped, rest = products
  scores, others = tf.linalg.matmul(queries, grouped), tf.linalg.matmul(queries, rest)
  width = tf.shape(grouped)[1] // GROUP
  # Group j holds the rows j, width + j, 2 width + j ...: a maximum over them runs along memory.
  groups = tf.reduce_max(tf.reshape(scores, [-1, GROUP, width]), axis=1)
  best = tf.sort(tf.math.top_k(groups, tf.minimum(k, width), sorted=False).indices, axis=1)
  rows = tf.range(GROUP)[None, :, None] * width + best[:, None, :]
  rows = tf.reshape(rows, [tf.shape(queries)[0], -1])
  last = tf.shape(scores)[1] + tf.range(tf.shape(others)[1])
  kept = tf.concat([tf.gather(scores, rows, batch_dims=1), others], axis=1)
  rows = tf.concat([rows, tf.broadcast_to(last[None], tf.shape(others))], axis=1)
  return tf.gather(rows, tf.math.top_k(kept, k).indices, batch_dims=1)
