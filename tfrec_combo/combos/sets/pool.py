"""Which of a request's candidates sets are searched among."""

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import NO_CANDIDATE
from tfrec_combo.combos.sets.feasible import representatives

# What a wish adds to a candidate's place: more than any score, so that wishes come before scores and must before may.
REQUIRED, PREFERRED = 1e6, 1e4


def same_group(groups: tf.Tensor, asked: tf.Tensor) -> tf.Tensor:
  """[B, P, P] bool, which products no set holds two of: each product itself, and where `asked` [B] those of one group.

  groups: [B, P] int32, 0 for a product of no group.
  """
  alike = (groups[:, :, None] == groups[:, None, :]) & (groups > 0)[:, :, None]
  return (asked[:, None, None] & alike) | tf.eye(tf.shape(groups)[1], dtype=tf.bool)[None]


def places(
  worth: tf.Tensor,
  prices: tf.Tensor,
  usable: tf.Tensor,
  required: tf.Tensor,
  groups: tf.Tensor,
  one_each: tf.Tensor,
  budget: tf.Tensor,
  count: int,
  size: int,
) -> tf.Tensor:
  """`count` of the candidates [B, K], best first: [B, count] int32 places.

  By worth, but what is required is among them, and so are the products that make a set possible when the best alone do not:
  the cheapest under a budget, else the best, one of each group where that is asked. Where the candidates hold a set, these do.

  Args:
    worth: [B, K]. prices: [B, K], 0 where unknown. usable, required: [B, K] bool. groups: [B, K] int32, see `same_group`.
    one_each: [B] bool. budget: [B], 0 or less: none. count: at most K. size: of the largest set, M.
  """
  same = same_group(groups, one_each)
  limited = budget > 0
  usable &= ~limited[:, None] | ((prices > 0) & (prices <= budget[:, None]))
  beside = tf.einsum("bp,bpq->bq", tf.cast(required, tf.float32), tf.cast(same, tf.float32)) == 0
  order = tf.where(limited[:, None], prices, -worth)
  first = representatives(usable & beside, order, same)
  cheapest = tf.math.top_k(tf.where(first, -order, NO_CANDIDATE), min(size, worth.shape[1] or size))
  flags = tf.reduce_max(tf.one_hot(cheapest.indices, tf.shape(worth)[1]), axis=1) * tf.cast(first, tf.float32)
  key = tf.where(usable, worth, NO_CANDIDATE / 2)
  key += PREFERRED * flags + tf.where(required, REQUIRED - tf.minimum(key, 0.0), 0.0)
  kept = tf.math.top_k(key, count).indices
  # Back in the order of worth, which a search that ties is to keep to.
  return tf.gather(kept, tf.argsort(-tf.gather(worth, kept, batch_dims=1), axis=1, stable=True), batch_dims=1)
