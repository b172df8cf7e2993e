"""The set model: how well products go together for a shopper and a query, whatever order they are named in."""

import dataclasses

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import NO_CANDIDATE, Request
from tfrec_combo.combos.sets.pairs import NAMES, Pairs
from tfrec_combo.towers.constants import table
from tfrec_combo.towers.pads import trimmed

# What is known of a candidate in its list, and of the request.
ABOUT = ("share", "behind", "place", "query", "basket", "history", "lines_a_week")


@dataclasses.dataclass(frozen=True)
class Scored:
  """worth: [B, P] float32, log odds that a product is bought, the others of its set aside. fit: [B, P, P] float32, symmetric,
  0 on the diagonal: what two members of one set add to that."""

  worth: tf.Tensor
  fit: tf.Tensor


class SetScorer(tf.keras.layers.Layer):
  """F(S) = sum_i (u_i - t) + 1 / (|S| - 1) sum_{i < j} p_ij.

  u_i is a small network's log odds that candidate i is bought, from its place in the ranker's list; p_ij another's reading of
  what is known of two products. As F(S) - F(S without i) = u_i - t + mean_j p_ij, the model is trained as what it says: the log
  odds that i joins the rest of S. t, the log odds of `least_chance`, decides how large a set of open size gets. Second-order
  set functions are the class that a beam can search without scoring a set anew for each product (as in determinantal point
  processes, Kulesza and Taskar, 2012, here with attraction too).
  """

  def __init__(self, substitute_penalty: float, least_chance: float, hidden: int = 24, **kwargs):
    super().__init__(dtype="float32", **kwargs)
    self.penalty, self.least = substitute_penalty, float(np.log(least_chance / (1 - least_chance)))
    dense = lambda units, activation, name, **more: tf.keras.layers.Dense(
      units, activation=activation, dtype="float32", name=name, **more
    )
    self.pair_hidden, self.pair_out = (
      dense(hidden, "relu", "pair_hidden"),
      dense(1, None, "pair_out", use_bias=False, kernel_initializer="zeros"),
    )
    self.worth_hidden, self.worth_out = dense(hidden, "relu", "worth_hidden"), dense(1, None, "worth_out")
    self.scales = {
      name: (
        table(np.zeros(width, np.float32), f"{name}_mean"),
        table(np.ones(width, np.float32), f"{name}_deviation"),
      )
      for name, width in (("pair", len(NAMES)), ("about", len(ABOUT)))
    }
    self.build(None)

  def build(self, input_shape):
    self.pair_hidden.build([None, len(NAMES)])
    self.pair_out.build([None, self.pair_hidden.units])
    self.worth_hidden.build([None, len(ABOUT)])
    self.worth_out.build([None, self.worth_hidden.units])
    super().build(input_shape)

  def standardise(self, pair: np.ndarray, about: np.ndarray) -> None:
    """Sets the scales from samples [n, len(NAMES)] and [n, len(ABOUT)]; what never varies there is switched off."""
    for name, values in (("pair", pair), ("about", about)):
      mean, deviation = self.scales[name]
      constant = values.max(axis=0) == values.min(axis=0)
      mean.assign(values.mean(axis=0))
      deviation.assign(np.where(constant, 1e9, np.maximum(values.std(axis=0), 1e-3)))

  def worth(self, about: tf.Tensor) -> tf.Tensor:
    """about: [..., len(ABOUT)]. Returns log odds [...]."""
    x = self._scaled("about", about)
    # The ranker's own order leads; the network bends it to a chance.
    return (self.worth_out(self.worth_hidden(x)))[..., 0] + about[..., 0]

  def fit(self, pairs: tf.Tensor) -> tf.Tensor:
    """pairs: [..., len(NAMES)], all 0 where there is no pair. Returns [...], 0 there."""
    there = tf.reduce_any(pairs != 0, axis=-1)
    return tf.where(there, self.pair_out(self.pair_hidden(self._scaled("pair", pairs)))[..., 0], 0.0)

  def together(self, pairs: Pairs) -> tf.Tensor:
    """What the pairs of candidates add, less what the shop's setting takes for substitutes: [B, P, Q]."""
    return self.fit(pairs.values) - self.penalty * tf.cast(pairs.variants, tf.float32)

  def call(self, about: tf.Tensor, pairs: Pairs) -> Scored:
    """Of candidates and their pairs among themselves."""
    return Scored(self.worth(about) - self.least, self.together(pairs))

  def loss(
    self, about: tf.Tensor, pairs: tf.Tensor, chosen: tf.Tensor, wanted: tf.Tensor, open_: tf.Tensor
  ) -> tf.Tensor:
    """Cross-entropy of each candidate joining the chosen ones or not, summed over a request's candidates: [B].

    Whatever else is in the list takes the place of the product that was bought: its substitutes, the popular, those of its
    category.

    Args:
      about: [B, K, len(ABOUT)]; pairs: [B, K, S, len(NAMES)], with each chosen one; chosen: [B, S] bool, False for none.
      wanted: [B, K] float32, 1 for what was bought; open_: [B, K] bool, candidates that may join.
    """
    count = tf.reduce_sum(tf.cast(chosen, tf.float32), axis=-1)[:, None]
    fit = tf.reduce_sum(tf.where(chosen[:, None, :], self.fit(pairs), 0.0), axis=-1) / tf.maximum(count, 1)
    logits = self.worth(about) + fit
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits)
    return tf.reduce_sum(tf.where(open_, entropy, 0.0), axis=-1)

  def _scaled(self, name: str, values: tf.Tensor) -> tf.Tensor:
    mean, deviation = self.scales[name]
    return tf.clip_by_value((values - mean) / deviation, -6.0, 6.0)


def of_request(request: Request) -> tf.Tensor:
  """What of ABOUT is the same for all candidates of a request: [B, 4]."""
  size = lambda given: tf.reduce_sum(tf.cast(given >= 0, tf.float32), 1)
  history = trimmed(request.history)
  days = tf.where(history >= 0, request.history_days[:, : tf.shape(history)[1]], 0.0)
  lines_a_week = 7 * size(history) / (1 + tf.reduce_max(days, 1))
  sizes = [tf.math.log1p(n) for n in (size(request.basket), size(history), lines_a_week)]
  return tf.stack([tf.cast(tf.reduce_any(request.query != 0, axis=1), tf.float32), *sizes], axis=-1)


def about(there: tf.Tensor, scores: tf.Tensor, said: tf.Tensor) -> tf.Tensor:
  """[B, K, len(ABOUT)] of a ranker's lists, all 0 for pads.

  there: [B, K] bool, False for pads. scores: [B, K], in any order. said: [B, 4] of `of_request`.
  """
  scores = tf.where(there, scores, NO_CANDIDATE)
  share = tf.nn.log_softmax(scores, axis=-1)
  behind = scores - tf.reduce_max(scores, axis=-1, keepdims=True)
  place = tf.argsort(tf.argsort(-scores, axis=-1, stable=True), axis=-1)
  own = tf.stack([share, behind, tf.math.log1p(tf.cast(place, tf.float32))], axis=-1)
  same = tf.tile(said[:, None, :], [1, tf.shape(scores)[1], 1])
  return tf.where(there[..., None], tf.concat([own, same], axis=-1), 0.0)
