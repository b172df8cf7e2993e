"""Sets from ranked products, by a beam search inside the graph."""

import dataclasses
from typing import NamedTuple

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.sets.feasible import SLACK, UNLIMITED, completable

NEVER = -1e9


@dataclasses.dataclass(frozen=True)
class Rules:
  """What holds for every set of a request, over a pool of P products.

  prices: [B, P] float32, 0 where unknown; such a product is left out when there is a budget. usable: [B, P] bool.
  required: [B, P] bool, products that every set holds. same: [B, P, P] bool, of which a set may hold one: itself, and those of
  its category where that is asked. least, most: [B] int32, sizes; a set larger than M or empty is no set. budget: [B] float32,
  largest total; 0 or less: none.
  """

  prices: tf.Tensor
  usable: tf.Tensor
  required: tf.Tensor
  same: tf.Tensor
  least: tf.Tensor
  most: tf.Tensor
  budget: tf.Tensor

  def checked(self) -> "Rules":
    """In float64 money, where only what float32 made of the prices themselves is left to forgive, without what no set holds."""
    limited = self.budget > 0
    prices, budget = tf.cast(self.prices, tf.float64), tf.cast(self.budget, tf.float64)
    budget = tf.where(limited, budget, UNLIMITED)
    usable = self.usable & (~limited[:, None] | ((prices > 0) & (prices <= (budget * (1 + SLACK))[:, None])))
    # Without a budget prices do not matter; zeros keep sums of unknown prices out of the comparison.
    prices = tf.where(limited[:, None], prices, 0.0)
    return dataclasses.replace(self, prices=prices, budget=budget, usable=usable)


class Sets(NamedTuple):
  """members: [B, C, M] int32 places in the pool, ascending, -1 for none; scores: [B, C] float32, NEVER for an empty set."""

  members: tf.Tensor
  scores: tf.Tensor


class _Beam(NamedTuple):
  """chosen: [B, W, P] bool. worth, fit: [B, W] float32, sums over members and over pairs; worth is NEVER where there is no
  set. cost: [B, W] float64. keys: [B, W] int64, equal for equal sets. size: [B] int32, members of each."""

  chosen: tf.Tensor
  worth: tf.Tensor
  fit: tf.Tensor
  cost: tf.Tensor
  keys: tf.Tensor
  size: tf.Tensor


class SetSearch(tf.Module):
  """Finds distinct sets S that maximise sum_i u_i + 1 / (|S| - 1) sum_{i<j} p_ij under `Rules`.

  A step widens each of `beam` sets by each product of the pool; equal sets reached in another order are dropped, and a set is
  kept only if it can still be completed, so that a set is found whenever the pool holds one. Sets of all sizes asked for
  compete. With a diversity above 0 the sets are searched one after the other, and products of earlier ones cost the more
  (diverse beam search, Vijayakumar et al., AAAI 2018).
  """

  def __init__(self, pool: int, beam: int, sets: int, size: int):
    super().__init__(name="set_search")
    self.pool, self.sets, self.size = pool, sets, size
    self.beam = max(beam, sets)  # what is answered must have been kept
    # Sums of random 55-bit numbers tell sets apart whatever the order of their members.
    self.codes = tf.constant(np.random.default_rng(0).integers(1, 2**55, pool), tf.int64)
    # One graph of a step, called for each: traced anew they would be most of an export.
    self._step = tf.function(
      lambda beam, worth, fit, rules: tuple(self._widen(_Beam(*beam), worth, fit, Rules(*rules))),
      autograph=False,
    )

  def __call__(self, worth: tf.Tensor, fit: tf.Tensor, rules: Rules, diversity: tf.Tensor) -> Sets:
    """Searches each row by itself.

    Args:
      worth: [B, P] float32, u. fit: [B, P, P] float32, p, symmetric, 0 on the diagonal.
      diversity: [B] float32, 0 to 1: how much products of one set are kept out of the next.
    """
    rules = rules.checked()
    chosen, scores = tf.cond(
      tf.reduce_any(diversity > 0),
      lambda: self._one_by_one(worth, fit, rules, diversity),
      lambda: self._best(worth, fit, rules),
    )
    found = scores > NEVER / 2
    places = tf.where(chosen & found[..., None], tf.range(self.pool), self.pool)
    width = min(self.size, self.pool)
    members = -tf.math.top_k(-places, width).values
    members = tf.pad(members, [[0, 0], [0, 0], [0, self.size - width]], constant_values=self.pool)
    return Sets(tf.where(members < self.pool, members, -1), tf.where(found, scores, NEVER))

  def _best(self, worth: tf.Tensor, fit: tf.Tensor, rules: Rules) -> tuple[tf.Tensor, tf.Tensor]:
    """The C best: chosen [B, C, P] bool, scores [B, C]."""
    chosen, scores, _ = self._finals(worth, fit, rules)
    best = tf.math.top_k(scores, self.sets)
    return tf.gather(chosen, best.indices, batch_dims=1), best.values

  def _one_by_one(
    self, worth: tf.Tensor, fit: tf.Tensor, rules: Rules, diversity: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    usable = rules.usable & (worth > NEVER / 2)
    high = tf.reduce_max(tf.where(usable, worth, NEVER), axis=1)
    low = tf.reduce_min(tf.where(usable, worth, -NEVER), axis=1)
    # At 1 a product that was shown stands behind all that were not.
    cost = diversity * tf.maximum(high - low + 2 * tf.reduce_max(tf.abs(fit), axis=[1, 2]), 0)

    def search(number, shown, keys, all_chosen, all_scores):
      less = cost[:, None] * tf.cast(shown & ~rules.required, tf.float32)
      chosen, scores, found = self._finals(worth - less, fit, rules)
      again = tf.reduce_any(found[:, :, None] == keys[:, None, :], axis=-1)
      best = tf.argmax(tf.where(again, NEVER, scores), axis=1, output_type=tf.int32)
      at = lambda values: tf.gather(values, best, batch_dims=1)
      there = at(tf.where(again, NEVER, scores)) > NEVER / 2
      one = at(chosen) & there[:, None]
      own = at(scores) + tf.reduce_sum(tf.where(one, less, 0.0), axis=1)
      slot = tf.one_hot(number, self.sets, on_value=True, off_value=False)[None, :]
      return (
        number + 1,
        shown | one,
        tf.where(slot & there[:, None], at(found)[:, None], keys),
        all_chosen.write(number, one),
        all_scores.write(number, tf.where(there, own, NEVER)),
      )

    batch = tf.shape(worth)[0]
    made = tf.while_loop(
      lambda number, *_: number < self.sets,
      search,
      (
        0,
        tf.zeros([batch, self.pool], tf.bool),
        tf.zeros([batch, self.sets], tf.int64),
        tf.TensorArray(tf.bool, self.sets, element_shape=[None, self.pool]),
        tf.TensorArray(tf.float32, self.sets, element_shape=[None]),
      ),
      maximum_iterations=self.sets,
    )
    chosen = tf.ensure_shape(tf.transpose(made[3].stack(), [1, 0, 2]), [None, self.sets, self.pool])
    return chosen, tf.ensure_shape(tf.transpose(made[4].stack()), [None, self.sets])

  def _finals(self, worth: tf.Tensor, fit: tf.Tensor, rules: Rules) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Every set that the beam holds at a size that is asked for: chosen [B, F, P], scores [B, F], keys [B, F]."""
    beam = self._first(worth, fit, rules)
    kept, given = [beam], tuple(getattr(rules, f.name) for f in dataclasses.fields(Rules))
    for _ in range(self.size):
      wider = _Beam(*self._step(tuple(beam), worth, fit, given))
      goes_on = beam.size < tf.minimum(rules.most, self.size)
      # A row that does not go on is kept once.
      kept.append(wider._replace(worth=tf.where(goes_on[:, None], wider.worth, NEVER)))
      beam = _Beam(*(_pick(goes_on, new, old) for new, old in zip(wider, beam)))
    asked = [
      (b.size >= tf.maximum(rules.least, 1)) & (b.size <= tf.minimum(rules.most, self.size)) for b in kept
    ]
    scores = [tf.where(a[:, None], _total(b), NEVER) for a, b in zip(asked, kept)]
    together = lambda parts: tf.concat(parts, axis=1)
    return (
      together([b.chosen for b in kept]),
      together(scores),
      together([b.keys for b in kept]),
    )

  def _first(self, worth: tf.Tensor, fit: tf.Tensor, rules: Rules) -> _Beam:
    """The set of what is required, in the first place of the beam, if it holds the rules."""
    required = rules.required
    given = tf.cast(required, tf.float32)
    size = tf.reduce_sum(tf.cast(required, tf.int32), axis=1)
    cost = tf.reduce_sum(tf.where(required, rules.prices, 0.0), axis=1)
    clash = tf.einsum("bp,bpq,bq->b", given, tf.cast(rules.same, tf.float32), given) > tf.cast(
      size, tf.float32
    )
    fine = tf.reduce_all(rules.usable | ~required, axis=1) & (cost <= rules.budget * (1 + SLACK)) & ~clash
    sums = tf.reduce_sum(tf.where(required, worth, 0.0), axis=1)
    first = tf.one_hot(0, self.beam, on_value=True, off_value=False)[None, :]
    every = lambda values: tf.where(first, values[:, None], tf.zeros([], values.dtype))
    return _Beam(
      first[..., None] & required[:, None, :],
      tf.where(first & fine[:, None], sums[:, None], NEVER),
      every(tf.einsum("bp,bpq,bq->b", given, fit, given) / 2),
      every(cost),
      every(tf.reduce_sum(tf.where(required, self.codes, 0), axis=1)),
      size,
    )

  def _widen(self, beam: _Beam, worth: tf.Tensor, fit: tf.Tensor, rules: Rules) -> _Beam:
    """The best `beam` distinct sets with one more product."""
    batch, kept = tf.shape(worth)[0], min(max(4, self.size) * self.beam, self.beam * self.pool)
    chosen = tf.cast(beam.chosen, tf.float32)
    more_worth = tf.where(beam.worth > NEVER / 2, beam.worth, 0.0)[..., None] + worth[:, None, :]
    more_fit = beam.fit[..., None] + tf.linalg.matmul(chosen, fit)
    pairs_of = tf.maximum(tf.cast(beam.size, tf.float32), 1)[:, None, None]
    blocked = tf.linalg.matmul(chosen, tf.cast(rules.same, tf.float32)) > 0
    allowed = rules.usable[:, None, :] & ~blocked & (beam.worth > NEVER / 2)[..., None]
    missing = rules.least - beam.size - 1
    allowed &= completable(beam.cost, allowed, rules.prices, rules.same, missing, rules.budget)
    total = tf.where(allowed, more_worth + more_fit / pairs_of, NEVER)
    best = tf.math.top_k(tf.reshape(total, [batch, self.beam * self.pool]), kept)
    parent, product = best.indices // self.pool, best.indices % self.pool
    keys = tf.gather(beam.keys, parent, batch_dims=1) + tf.gather(self.codes, product)
    earlier = tf.linalg.band_part(tf.ones([kept, kept], tf.bool), -1, 0) & ~tf.eye(kept, dtype=tf.bool)
    repeat = tf.reduce_any((keys[:, :, None] == keys[:, None, :]) & earlier, axis=-1)
    distinct = tf.math.top_k(tf.where(repeat, NEVER, best.values), self.beam)
    flat = tf.gather(best.indices, distinct.indices, batch_dims=1)
    parent, product, keys = (tf.gather(x, distinct.indices, batch_dims=1) for x in (parent, product, keys))
    at = lambda values: tf.gather(tf.reshape(values, [batch, self.beam * self.pool]), flat, batch_dims=1)
    return _Beam(
      tf.gather(beam.chosen, parent, batch_dims=1)
      | tf.one_hot(product, self.pool, on_value=True, off_value=False),
      tf.where(distinct.values > NEVER / 2, at(more_worth), NEVER),
      at(more_fit),
      tf.gather(beam.cost, parent, batch_dims=1) + tf.gather(rules.prices, product, batch_dims=1),
      keys,
      beam.size + 1,
    )


def _total(beam: _Beam) -> tf.Tensor:
  pairs_of = tf.maximum(tf.cast(beam.size, tf.float32) - 1, 1)[:, None]
  return tf.where(beam.worth > NEVER / 2, beam.worth + beam.fit / pairs_of, NEVER)


def _pick(rows: tf.Tensor, new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
  return tf.where(tf.reshape(rows, [-1] + [1] * (new.shape.rank - 1)), new, old)
