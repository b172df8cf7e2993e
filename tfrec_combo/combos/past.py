"""What a shopper's own past orders say of the next one, line by line: in which order a line lay, and how like the basket at
hand that order was."""

import dataclasses

from tfrec_combo.base.stack import tf

SAME_ORDER = 1 / 48  # days; lines closer than half an hour are of one order
HALF_LIVES = (7, 15, 30, 60, 120)  # days
LAST_ORDERS = (3, 12)
LN2 = 0.6931471805599453
LIKE_HALF_LIFE = 90.0  # days until an order like the basket counts half


@dataclasses.dataclass(frozen=True)
class Past:
  """A history in order, and what each of its lines weighs.

  rows: [B, H] int32, newest first, pads -1 at the right. days: [B, H] float32. weights: [B, H] float32 each, to be summed
  by product. orders: [B] float32, orders that the history holds.
  """

  rows: tf.Tensor
  days: tf.Tensor
  weights: dict[str, tf.Tensor]
  orders: tf.Tensor


def lines(rows: tf.Tensor, days: tf.Tensor, *others: tf.Tensor) -> tuple[tf.Tensor, ...]:
  """Rows, days and `others` [B, H] of histories in order, newest first and pads last, and the number of the order that each
  line lay in, [B, H] int32, the newest 0."""
  order = tf.argsort(tf.where(rows >= 0, days, float("inf")), axis=1, stable=True)
  rows, days, *ordered = (tf.gather(x, order, batch_dims=1) for x in (rows, days, *others))
  mask = rows >= 0
  days = tf.where(mask, days, 0.0)
  starts = tf.cast(mask[:, 1:] & (days[:, 1:] - days[:, :-1] > SAME_ORDER), tf.int32)
  return rows, days, *ordered, tf.cumsum(tf.pad(starts, [[0, 0], [1, 0]]), axis=1)


def past(
  rows: tf.Tensor, days: tf.Tensor, groups: tf.Tensor, basket: tf.Tensor, basket_groups: tf.Tensor
) -> Past:
  """Reads histories.

  An own order o is like the basket b by |o and b| / sqrt(|o|), over products (`own_same`) and over categories
  (`own_category`): what lay in the orders that began as this one does is likely to be added.

  Args:
    rows: [B, H] int32, pads below 0 anywhere. days: [B, H] float32 days ago. groups: [B, H] int32 category of each line, 0
      for none.
    basket: [B, M] int32, pads below 0. basket_groups: [B, M] int32.
  """
  rows, days, groups, number = lines(rows, days, groups)
  mask = rows >= 0
  known = tf.cast(mask, tf.float32)
  orders = tf.cast(tf.reduce_max(tf.where(mask, number + 1, 0), axis=1), tf.float32)
  lies = lambda held, given: tf.reduce_any(held[:, :, None] == given[:, None, :], axis=-1)
  same = tf.cast(lies(rows, tf.where(basket >= 0, basket, -2)), tf.float32) * known
  alike = tf.cast(lies(groups, tf.where(basket_groups > 0, basket_groups, -2)), tf.float32) * known
  per_order = lambda values: _of_order(values, number)
  root = tf.sqrt(tf.maximum(per_order(known), 1))
  decay = lambda half_life: known * tf.exp(-days * (LN2 / half_life))
  weights = {
    "count": known,
    **{f"decay_{h}": decay(float(h)) for h in HALF_LIVES},
    **{f"last_{n}": known * tf.cast(number < n, tf.float32) for n in LAST_ORDERS},
    "own_same": known * per_order(same) / root,
    "own_category": decay(LIKE_HALF_LIFE) * per_order(alike) / root,
  }
  return Past(rows, days, weights, orders)


def _of_order(values: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
  """Values [B, H] summed over each line's order `number` [B, H]: [B, H]."""
  batch, width = tf.unstack(tf.shape(values))
  place = tf.reshape(number + tf.range(batch)[:, None] * width, [-1])
  total = tf.math.unsorted_segment_sum(tf.reshape(values, [-1]), place, batch * width)
  return tf.gather(tf.reshape(total, [batch, width]), number, batch_dims=1)
