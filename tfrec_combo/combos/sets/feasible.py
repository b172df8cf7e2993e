"""Whether a partial set can still be completed under a budget and one product a category."""

from tfrec_combo.base.stack import tf

UNLIMITED = 3e38
# Prices and budget are rounded to float32: 9.99 + 0.01 is within 10, and 1999.99 + 0.02 is not within 2000.
SLACK = 1.2e-7


def representatives(usable: tf.Tensor, order: tf.Tensor, same: tf.Tensor) -> tf.Tensor:
  """The first usable product of each group: [..., P] bool.

  usable: [B, ..., P] bool. order: [B, P], lower comes first, ties by place. same: [B, P, P] bool, of one group; a product is
  of its own.
  """
  place = tf.range(tf.shape(order)[1])
  before = (order[:, :, None] < order[:, None, :]) | (
    (order[:, :, None] == order[:, None, :]) & (place[:, None] < place[None, :])[None]
  )
  flat = tf.reshape(tf.cast(usable, tf.float32), [tf.shape(order)[0], -1, tf.shape(order)[1]])
  earlier = tf.linalg.matmul(flat, tf.cast(before & same, tf.float32))
  return usable & (tf.reshape(earlier, tf.shape(usable)) == 0)


def completable(
  cost: tf.Tensor,
  allowed: tf.Tensor,
  prices: tf.Tensor,
  same: tf.Tensor,
  missing: tf.Tensor,
  budget: tf.Tensor,
) -> tf.Tensor:
  """[B, W, P] bool: whether a set with that product can still be completed with `missing` others within the budget.

  Exact: the cheapest completion takes the cheapest product of each of the cheapest groups (a partition matroid), so a search
  that keeps to it never runs into a dead end.

  Args:
    cost: [B, W] float64, of the sets so far. allowed: [B, W, P] bool, products that each may take next.
    prices: [B, P] float64. same: [B, P, P] bool, of which a set may hold one. missing: [B] int32. budget: [B] float64.
  """
  pool = tf.shape(prices)[1]
  first = representatives(allowed, prices, same)
  # The price of the cheapest product that each one's group still has.
  least = tf.linalg.matmul(tf.where(first, prices[:, None, :], 0.0), tf.cast(same, tf.float64))
  ascending = tf.sort(tf.where(first, prices[:, None, :], UNLIMITED), axis=-1)
  # Sums of the n cheapest, n = 0 to P; an unlimited one makes the sum infinite, so it is compared before the budget.
  sums = tf.concat(
    [tf.zeros_like(ascending[..., :1]), tf.cumsum(tf.minimum(ascending, UNLIMITED / 1e6), axis=-1)], -1
  )
  available = tf.reduce_sum(tf.cast(first, tf.int32), axis=-1)
  n = tf.clip_by_value(missing, 0, pool)
  at = lambda values, i: tf.gather(
    values, tf.broadcast_to(tf.minimum(i, pool)[:, None], tf.shape(available)), batch_dims=2
  )
  dearest = tf.where(
    n[:, None] > 0, at(tf.concat([tf.zeros_like(ascending[..., :1]), ascending], -1), n), -1.0
  )
  # Where its own group is among the cheapest, the next group takes that group's place.
  others = tf.where(least <= dearest[..., None], at(sums, n + 1)[..., None] - least, at(sums, n)[..., None])
  total = cost[..., None] + prices[:, None, :] + others
  return (total <= (budget * (1 + SLACK))[:, None, None]) & (available > n[:, None])[..., None]
