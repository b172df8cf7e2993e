"""The part of the served graph that answers sets: `combine` and `rank_bundles`."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tfrec_combo.base import config as c
from tfrec_combo.base.stack import tf
from tfrec_combo.combos import rerank
from tfrec_combo.combos.candidates import NO_CANDIDATE, Request, Wishes
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.combos.sets import pool, reasons
from tfrec_combo.combos.sets.pairs import pairs
from tfrec_combo.combos.sets.scorer import Scored, SetScorer, about, of_request
from tfrec_combo.combos.sets.search import NEVER, Rules, SetSearch
from tfrec_combo.export.tracing import Tensors
from tfrec_combo.export.vocabulary import Rows
from tfrec_combo.export.wishes import SetWishes, fallbacks
from tfrec_combo.towers.catalogue import LEVELS, Catalogue
from tfrec_combo.towers.constants import rows_of, table

OK, SIZE, MUST, BUDGET, FEW = "ok", "size", "must_include", "budget", "too_few_products"


class SetSide(tf.Module):
  """What the served model holds for sets beside its tables of ids and prices."""

  def __init__(
    self,
    ranker: Ranker,
    scorer: SetScorer,
    catalogue: Catalogue,
    config: c.Config,
    ids: tf.Variable,
    prices: tf.Variable,
    rows: Rows,
    categories: Rows,
  ):
    super().__init__(name="set_side")
    combine, self.settings = config.combine, config.export.model_dump()
    self.count = config.ranker.candidates
    self.search = SetSearch(
      min(combine.pool, len(catalogue), self.count), combine.beam, combine.sets, combine.size
    )
    self.ids, self.prices, self.rows, self.categories = ids, prices, rows, categories
    self.paths = table(catalogue.categories.astype(np.int32), "category_paths")
    self.fallback = tuple(table(values, name) for name, values in fallbacks(catalogue).items())
    # A closure is not tracked; what it holds is.
    self._parts: Callable[[], tuple[Ranker, SetScorer]] = lambda: (ranker, scorer)

  def combine(self, request: Request, empty: tf.Tensor, inputs: Tensors) -> Tensors:
    """The best sets for a request: see `ServedModel`."""
    wishes = SetWishes.read(inputs, self.rows, self.categories)
    rows, scores = self._ranked(request, empty, wishes.candidates(self.paths, self.prices, self.fallback))
    worth = self._worth(request, rows, scores)
    usable, prices = rows >= 0, rows_of(self.prices, rows)
    required, absent = wishes.required(rows)
    groups = self._groups(rows, wishes.depth)
    one_each = wishes.depth > 0
    places = pool.places(
      worth, prices, usable, required, groups, one_each, wishes.budget, self.search.pool, self.search.size
    )
    at = lambda values: tf.gather(values, places, batch_dims=1)
    among = at(rows)
    scored = self._scored(request, among, at(worth))
    rules = Rules(
      at(prices),
      at(usable),
      at(required),
      pool.same_group(at(groups), one_each),
      # No set holds what is not there.
      tf.where(absent, self.search.size + 1, wishes.least),
      wishes.most,
      wishes.budget,
    )
    sets = self.search(scored.worth, scored.fit, rules, rerank.weight(inputs["diversity"], tf.shape(rows)[0]))
    chosen = tf.where(sets.members >= 0, tf.gather(among, tf.maximum(sets.members, 0), batch_dims=1), -1)
    told = self._reasons(request, chosen, wishes.must)
    status = self._status(wishes, rows, required, absent, groups, one_each, sets.scores)
    return {
      **self._described(chosen),
      "set_scores": sets.scores,
      "contributions": _contributions(scored, sets.members),
      **told,
      "status": status,
    }

  def rank_bundles(self, request: Request, empty: tf.Tensor, set_ids: tf.Tensor) -> Tensors:
    """Scores ready-made sets: see `ServedModel`."""
    given = self.rows.lookup(set_ids)
    batch, count, size = tf.shape(given)[0], given.shape[1], given.shape[2]
    flat = tf.reshape(given, [batch, count * size])
    named = lambda rows: tf.reduce_any(rows[:, :, None] == tf.where(flat >= 0, flat, -2)[:, None, :], -1)
    wishes = Wishes(flat, lambda rows: pool.REQUIRED * tf.cast(named(rows), tf.float32))
    rows, scores = self._ranked(request, empty, wishes)
    match = (flat[:, :, None] == rows[:, None, :]) & (flat >= 0)[:, :, None]
    there = tf.reduce_any(match, -1)
    worth = tf.gather(
      self._worth(request, rows, scores), tf.argmax(tf.cast(match, tf.int32), -1), batch_dims=1
    )
    each = lambda values: tf.reshape(values, [batch * count, size])
    # A product that a set names twice is in it once.
    first = tf.reduce_all(
      each(flat)[:, :, None]
      != tf.where(
        tf.linalg.band_part(tf.ones([size, size], tf.bool), -1, 0) & ~tf.eye(size, dtype=tf.bool),
        each(flat)[:, None, :],
        -9,
      ),
      -1,
    )
    there = each(there) & first
    members = tf.where(there, each(flat), -1)
    repeated = dataclasses.replace(
      request,
      **{f.name: tf.repeat(getattr(request, f.name), count, axis=0) for f in dataclasses.fields(request)},
    )
    scored = self._scored(repeated, members, tf.where(there, each(worth), 0.0))
    places = tf.where(there, tf.range(size), -1)[:, None, :]
    parts = _contributions(scored, places)[:, 0]
    total = tf.where(tf.reduce_any(there, -1), tf.reduce_sum(parts, -1), NEVER)
    back = lambda values: tf.reshape(values, [batch, count, *values.shape[1:]])
    unknown = tf.reduce_sum(tf.cast(each(tf.reshape(set_ids != "", tf.shape(flat))) & ~there, tf.int32), -1)
    return {
      "set_scores": back(total),
      "contributions": back(parts),
      "totals": back(tf.reduce_sum(rows_of(self.prices, members), -1)),
      "unknown": back(unknown),
    }

  def _ranked(self, request: Request, empty: tf.Tensor, wishes: Wishes) -> tuple[tf.Tensor, tf.Tensor]:
    """Candidates [B, K] and their scores, NO_CANDIDATE for pads."""
    ranker, _ = self._parts()
    rows, features = ranker.lists(request, wishes)
    popular = tf.math.log1p(rows_of(ranker.candidates.orders, rows))
    scores = tf.where(empty[:, None], popular, ranker.net(features))
    scores = tf.where(rows >= 0, scores, NO_CANDIDATE)
    missing = [[0, 0], [0, self.count - tf.shape(rows)[1]]]
    rows = tf.pad(rows, missing, constant_values=-1)
    scores = tf.pad(scores, missing, constant_values=NO_CANDIDATE)
    return tf.ensure_shape(rows, [None, self.count]), tf.ensure_shape(scores, [None, self.count])

  def _worth(self, request: Request, rows: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    _, scorer = self._parts()
    return tf.where(
      rows >= 0, scorer.worth(about(rows >= 0, scores, of_request(request))) - scorer.least, NEVER
    )

  def _scored(self, request: Request, rows: tf.Tensor, worth: tf.Tensor) -> Scored:
    ranker, scorer = self._parts()
    return Scored(worth, scorer.together(pairs(rows, rows, request, ranker.features, ranker.candidates)))

  def _groups(self, rows: tf.Tensor, depth: tf.Tensor) -> tf.Tensor:
    """The category of each row [B, K] at most `depth` [B] levels deep; 0 where it has none."""
    shallow = tf.range(LEVELS)[None, None, :] < depth[:, None, None]
    return tf.reduce_max(tf.where(shallow, rows_of(self.paths, rows), 0), axis=-1)

  def _status(
    self,
    wishes: SetWishes,
    rows: tf.Tensor,
    required: tf.Tensor,
    absent: tf.Tensor,
    groups: tf.Tensor,
    one_each: tf.Tensor,
    scores: tf.Tensor,
  ) -> tf.Tensor:
    """[B] string: OK, or why there is no set."""
    wanted = tf.reduce_sum(tf.cast(required, tf.int32), 1)
    same = pool.same_group(groups, one_each)
    asked = tf.cast(required, tf.float32)
    clash = tf.einsum("bp,bpq,bq->b", asked, tf.cast(same, tf.float32), asked) > tf.cast(wanted, tf.float32)
    beside = tf.einsum("bp,bpq->bq", asked, tf.cast(same, tf.float32)) == 0
    free = pool.representatives((rows >= 0) & beside, tf.zeros(tf.shape(rows)), same)
    there = wanted + tf.reduce_sum(tf.cast(free, tf.int32), 1)
    least = tf.maximum(wishes.least, 1)
    wrong = (least > tf.minimum(wishes.most, self.search.size)) | (wanted > wishes.most)
    why = tf.where(there < least, FEW, tf.where(wishes.budget > 0, BUDGET, FEW))
    why = tf.where(wrong, SIZE, tf.where(absent | clash, MUST, why))
    return tf.where(scores[:, 0] > NEVER / 2, OK, why)

  def _reasons(self, request: Request, chosen: tf.Tensor, must: tf.Tensor) -> Tensors:
    ranker, _ = self._parts()
    shape = tf.shape(chosen)
    flat = tf.reshape(chosen, [shape[0], -1])
    members = tf.repeat(chosen, shape[2], axis=1)
    found = reasons.reasons(flat, members, must, request, ranker.features, ranker.candidates)
    back = lambda values: tf.ensure_shape(tf.reshape(values, shape), chosen.shape)
    return {
      "reasons": back(tf.gather(tf.constant(reasons.KINDS), found.kinds)),
      "goes_with_ids": back(self.names(found.partner)),
      "bought_together": back(found.count),
    }

  def _described(self, chosen: tf.Tensor) -> Tensors:
    prices = rows_of(self.prices, chosen)
    return {"set_ids": self.names(chosen), "set_prices": prices, "totals": tf.reduce_sum(prices, axis=-1)}

  def names(self, rows: tf.Tensor) -> tf.Tensor:
    """String ids of rows, "" for pads."""
    return tf.where(rows >= 0, tf.gather(self.ids, tf.maximum(rows, 0)), "")


def _contributions(scored: Scored, members: tf.Tensor) -> tf.Tensor:
  """What each member adds to its set's score, half of each pair to either: [B, C, M], 0 for pads; they sum to the score.

  members: [B, C, M] places.
  """
  there = members >= 0
  place = tf.maximum(members, 0)
  worth = tf.gather(scored.worth, place, batch_dims=1)
  across = tf.gather(scored.fit, place, batch_dims=1)  # [B, C, M, P]
  fit = tf.gather(across, tf.tile(place[:, :, None, :], [1, 1, members.shape[2], 1]), batch_dims=3)
  fit = tf.reduce_sum(tf.where(there[..., None, :], fit, 0.0), -1)
  size = tf.reduce_sum(tf.cast(there, tf.float32), -1, keepdims=True)
  return tf.where(there, worth + fit / 2 / tf.maximum(size - 1, 1), 0.0)
