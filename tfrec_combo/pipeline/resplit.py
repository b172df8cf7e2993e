"""Redraw which products of an order lay in the basket and which were added."""

from typing import Any

from tfrec_combo.base.stack import tf


def resplit(basket: Any, target: Any, seed: Any) -> tuple[Any, Any]:
  """A random basket and target [B, M] int32 of each order, from the union of both, right-padded with -1.

  Of an order of n products, the basket's size is drawn evenly from 0 to n - 1, then its products evenly from
  the n: so each product is as likely in the basket as another, the empty basket occurs, and a target always
  stays. Where n is more than M, at most M of each part are kept, at random too. No product is in both parts
  to begin with.

  seed: [2] integers; the same give the same draw, whatever the global seed and the number of devices.
  """
  order = tf.concat([basket, target], 1)  # [B, 2M]
  held = order >= 0
  size_seed, place_seed = tf.unstack(tf.random.split(seed))
  # Pads get a key above every draw, so a sort by key shuffles the products and leaves the pads behind them.
  keys = tf.where(held, tf.random.stateless_uniform(tf.shape(order), place_seed), 2.0)
  order = tf.gather(order, tf.argsort(keys), batch_dims=1)
  products = tf.reduce_sum(tf.cast(held, tf.int32), 1, keepdims=True)  # [B, 1]
  draw = tf.random.stateless_uniform(tf.shape(products), size_seed)
  # A float32 below 1 times n may round to n, which would leave no target.
  size = tf.minimum(tf.cast(draw * tf.cast(products, tf.float32), tf.int32), products - 1)

  column = tf.range(tf.shape(basket)[1])[None]  # [1, M]
  drawn = tf.where(column < size, order[:, : tf.shape(basket)[1]], -1)
  place = column + size
  inside = place < products
  rest = tf.gather(order, tf.where(inside, place, 0), batch_dims=1)
  return drawn, tf.where(inside, rest, -1)
