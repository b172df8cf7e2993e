"""Sets from ranked products, by a beam search inside the graph."""

from typing import NamedTuple

import numpy as np

from tfrec_combo.base.stack import tf

NEVER = -1e9
UNLIMITED = 3e38


class Sets(NamedTuple):
  """members: [B, C, M] int32 places in the pool, best first, -1 for none; scores: [B, C] float32, NEVER for an empty set."""

  members: tf.Tensor
  scores: tf.Tensor


class _Beam(NamedTuple):
  """chosen: [B, W, P] bool. scores: [B, W] float32. cost: [B, W] float64. keys: [B, W] int64, equal for equal sets."""

  chosen: tf.Tensor
  scores: tf.Tensor
  cost: tf.Tensor
  keys: tf.Tensor


class SetGenerator(tf.Module):
  """Finds distinct sets S of the asked size that maximise sum_i s_i + pair_weight / (|S| - 1) sum_{i<j} a_ij within a budget.

  A step widens each of `beam` sets by each product of the pool. Equal sets reached in another order are dropped. A set is
  kept only if the cheapest products still unused can complete it within the budget, so the search never runs into a dead
  end, and finds a set whenever the pool holds one.
  """

  def __init__(self, pool: int, beam: int, sets: int, size: int, pair_weight: float):
    super().__init__(name="set_generator")
    self.pool, self.sets, self.size, self.pair_weight = pool, sets, size, pair_weight
    self.beam = max(beam, sets)  # what is answered must have been kept
    # Sums of random 55-bit numbers tell sets apart whatever the order of their members.
    self.codes = tf.constant(np.random.default_rng(0).integers(1, 2**55, pool), tf.int64)

  def __call__(
    self,
    scores: tf.Tensor,
    affinity: tf.Tensor,
    prices: tf.Tensor,
    valid: tf.Tensor,
    size: tf.Tensor,
    budget: tf.Tensor,
  ) -> Sets:
    """Searches each row by itself.

    Args:
      scores: [B, P] float32, what each product of the pool is worth alone, best first.
      affinity: [B, P, P] float32, symmetric.
      prices: [B, P] float32, 0 where unknown; such a product is left out when there is a budget.
      valid: [B, P] bool, products that may be used.
      size: [B] int32, products in a set; a size above M or above the products there are gives empty sets.
      budget: [B] float32, largest total; 0 or less: none.
    """
    limited = budget > 0
    # In float64 only what float32 made of the prices themselves is left to forgive; see _completable.
    prices, budget = tf.cast(prices, tf.float64), tf.cast(budget, tf.float64)
    budget = tf.where(limited, budget, UNLIMITED)
    valid &= ~limited[:, None] | ((prices > 0) & (prices <= budget[:, None]))
    # Without a budget prices do not matter; zeros keep sums of unknown prices out of the comparison.
    prices = tf.where(limited[:, None], prices, 0.0)
    batch = tf.shape(scores)[0]
    first = tf.tile(tf.constant([[0.0] + [NEVER] * (self.beam - 1)]), [batch, 1])
    beam = _Beam(
      tf.zeros([batch, self.beam, self.pool], tf.bool),
      first,
      tf.zeros([batch, self.beam], tf.float64),
      tf.zeros([batch, self.beam], tf.int64),
    )
    pair_weight = self.pair_weight / tf.maximum(tf.cast(size, tf.float32) - 1, 1)
    for step in range(self.size):
      wider = self._widen(
        beam, scores, affinity * pair_weight[:, None, None], prices, valid, size - step - 1, budget
      )
      goes_on = step < size
      beam = _Beam(
        *(
          tf.where(tf.reshape(goes_on, [-1] + [1] * (new.shape.rank - 1)), new, old)
          for new, old in zip(wider, beam)
        )
      )
    best = tf.math.top_k(beam.scores, self.sets)
    chosen = tf.gather(beam.chosen, best.indices, batch_dims=1)
    found = (best.values > NEVER / 2) & ((size > 0) & (size <= self.size))[:, None]
    places = tf.where(chosen & found[..., None], tf.range(self.pool), self.pool)
    members = -tf.math.top_k(-places, min(self.size, self.pool)).values
    members = tf.pad(
      members, [[0, 0], [0, 0], [0, self.size - min(self.size, self.pool)]], constant_values=self.pool
    )
    return Sets(tf.where(members < self.pool, members, -1), tf.where(found, best.values, NEVER))

  def _widen(
    self,
    beam: _Beam,
    scores: tf.Tensor,
    affinity: tf.Tensor,
    prices: tf.Tensor,
    valid: tf.Tensor,
    missing: tf.Tensor,
    budget: tf.Tensor,
  ) -> _Beam:
    """The best `beam` distinct sets with one more product; `missing` [B] products are still to come after it."""
    gain = scores[:, None, :] + tf.linalg.matmul(tf.cast(beam.chosen, tf.float32), affinity)
    total = beam.scores[..., None] + gain
    allowed = valid[:, None, :] & ~beam.chosen & (beam.scores > NEVER / 2)[..., None]
    allowed &= _completable(beam, allowed, prices, missing, budget)
    total = tf.where(allowed, total, NEVER)
    batch, kept = tf.shape(scores)[0], min(max(4, self.size) * self.beam, self.beam * self.pool)
    best = tf.math.top_k(tf.reshape(total, [batch, self.beam * self.pool]), kept)
    parent, product = best.indices // self.pool, best.indices % self.pool
    keys = tf.gather(beam.keys, parent, batch_dims=1) + tf.gather(self.codes, product)
    earlier = tf.linalg.band_part(tf.ones([kept, kept], tf.bool), -1, 0) & ~tf.eye(kept, dtype=tf.bool)
    repeat = tf.reduce_any((keys[:, :, None] == keys[:, None, :]) & earlier, axis=-1)
    distinct = tf.math.top_k(tf.where(repeat, NEVER, best.values), self.beam)
    parent, product, keys = (tf.gather(x, distinct.indices, batch_dims=1) for x in (parent, product, keys))
    return _Beam(
      tf.gather(beam.chosen, parent, batch_dims=1)
      | tf.one_hot(product, self.pool, on_value=True, off_value=False),
      distinct.values,
      tf.gather(beam.cost, parent, batch_dims=1) + tf.gather(prices, product, batch_dims=1),
      keys,
    )


def _completable(
  beam: _Beam, allowed: tf.Tensor, prices: tf.Tensor, missing: tf.Tensor, budget: tf.Tensor
) -> tf.Tensor:
  """[B, W, P]: whether the set with that product can still be completed with `missing` [B] others within the budget."""
  pool = tf.shape(prices)[1]
  unused = tf.where(allowed, prices[:, None, :], UNLIMITED)
  ascending = tf.sort(unused, axis=-1)
  # Sums of the n cheapest, n = 0 to P; an unlimited one makes the sum infinite, so it is compared before the budget.
  sums = tf.concat(
    [tf.zeros_like(ascending[..., :1]), tf.cumsum(tf.minimum(ascending, UNLIMITED / 1e6), axis=-1)], -1
  )
  available = tf.reduce_sum(tf.cast(allowed, tf.int32), axis=-1)
  n = tf.clip_by_value(missing, 0, pool)
  at = lambda values, i: tf.gather(
    values, tf.broadcast_to(tf.minimum(i, pool)[:, None], tf.shape(available)), batch_dims=2
  )
  dearest = tf.where(
    n[:, None] > 0, at(tf.concat([tf.zeros_like(ascending[..., :1]), ascending], -1), n), -1.0
  )
  among = prices[:, None, :] <= dearest[..., None]
  cost = (
    tf.where(among, at(sums, n + 1)[..., None], prices[:, None, :] + at(sums, n)[..., None])
    + beam.cost[..., None]
  )
  # Prices and budget are rounded to float32: 9.99 + 0.01 is within 10, and 1999.99 + 0.02 is not within 2000.
  slack = 1.2e-7 * tf.abs(budget)
  return (cost <= (budget + slack)[:, None, None]) & (available > n[:, None])[..., None]
