"""What a request holds of each category, and how that meets the categories of its candidates."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.co_purchase import CoPurchase

LONG_AGO = 1000.0  # days
BLOCK = 65_536  # products whose neighbours are counted at once


def of_groups(groups: tf.Tensor, weights: tf.Tensor, count: int) -> tf.Tensor:
  """Weights [B, S] summed by group [B, S]: [B, count]; group 0 is none and holds nothing."""
  flat, batch = _flat(groups, count)
  total = tf.math.unsorted_segment_sum(
    tf.reshape(weights * tf.cast(groups > 0, tf.float32), [-1]), flat, batch * count
  )
  return tf.reshape(total, [batch, count])


def latest(groups: tf.Tensor, days: tf.Tensor, known: tf.Tensor, count: int) -> tf.Tensor:
  """Days [B, S] since each group's newest line: [B, count]; LONG_AGO where it has none. known: [B, S], 1 for lines."""
  flat, batch = _flat(groups, count)
  valid = (known > 0) & (groups > 0)
  least = tf.math.unsorted_segment_min(tf.reshape(tf.where(valid, days, LONG_AGO), [-1]), flat, batch * count)
  return tf.reshape(tf.minimum(least, LONG_AGO), [batch, count])


def _flat(groups: tf.Tensor, count: int) -> tuple[tf.Tensor, tf.Tensor]:
  batch = tf.shape(groups)[0]
  return tf.reshape(groups + tf.range(batch)[:, None] * count, [-1]), batch


def cosines(counts: CoPurchase, groups: np.ndarray, count: int, shrink: float) -> np.ndarray:
  """Which categories are bought together: [count, count] float32, pairs of products in one order over the geometric mean
  of the two categories' orders. groups: [N] int32, 0 for none."""
  total = np.zeros(count * count)
  for start in range(0, len(groups), BLOCK):
    part = slice(start, start + BLOCK)
    own, rows = groups[part, None].astype(np.int64), counts.rows[part]
    others = np.where(rows >= 0, groups[np.maximum(rows, 0)], 0)
    known = (own > 0) & (others > 0)
    total += np.bincount((own * count + others)[known], counts.together[part][known], count * count)
  pairs, held = total.reshape(count, count), np.sqrt(np.bincount(groups, counts.orders, count))
  return (np.maximum(pairs, pairs.T) / (held[:, None] * held[None, :] + max(shrink, 1e-6))).astype(np.float32)
