"""Why a product is answered: what of the request it goes with, and the orders that say so."""

from typing import NamedTuple

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Candidates, Request
from tfrec_combo.combos.features import Features
from tfrec_combo.combos.sets.pairs import both_ways, own_held
from tfrec_combo.towers.constants import rows_of
from tfrec_combo.towers.pads import trimmed

KINDS = ("", "asked", "basket", "query", "again", "history", "set", "popular")
READ = 96  # newest lines of the history that a product may go with
LIKE_QUERY = 0.35  # cosine of text and query from which on the query explains a product


class Reasons(NamedTuple):
  """kinds: [B, R] int32, places in KINDS. partner: [B, R] int32 rows, -1 for none. count: [B, R] float32, orders that hold
  both; own orders that held the product where the kind is `again`."""

  kinds: tf.Tensor
  partner: tf.Tensor
  count: tf.Tensor


def reasons(
  rows: tf.Tensor,
  members: tf.Tensor | None,
  required: tf.Tensor | None,
  request: Request,
  features: Features,
  counts: Candidates,
) -> Reasons:
  """The first of these that holds of each product: it was asked for; orders hold it with a product of the basket more often
  than chance; it reads like the query; the shopper bought it before; it goes with something bought before, or with another
  member of its set; it is near the query at all; it is popular.

  Args:
    rows: [B, R] int32 products, pads below 0. members: [B, R, M] the set that each is in, or None. required: [B, X] rows.
  """
  basket, history = trimmed(request.basket), trimmed(request.history)[:, :READ]
  with_basket = both_ways(rows, basket, counts)[0]
  of_basket = _best(rows, basket, with_basket, counts)
  of_history = _best(rows, history, both_ways(rows, history, counts)[0], counts)
  own = tf.reduce_sum(own_held(rows, request), axis=-1)
  near = tf.einsum("brw,bw->br", rows_of(features.texts, rows), request.query)
  said = tf.reduce_any(request.query != 0, axis=1)[:, None]
  none = (tf.fill(tf.shape(rows), -1), tf.zeros_like(own))
  of_set = none if members is None else _of_set(rows, members, counts)
  asked = tf.zeros_like(rows, tf.bool)
  if required is not None:
    asked = tf.reduce_any(rows[:, :, None] == tf.where(required >= 0, required, -2)[:, None, :], axis=-1)
  holds = {
    "asked": (asked, _best(rows, basket, with_basket, counts, chance=False)),
    "basket": (of_basket[0] >= 0, of_basket),
    "query": (said & (near >= LIKE_QUERY), none),
    "again": (own > 0, (rows, own)),
    "history": (of_history[0] >= 0, of_history),
    "set": (of_set[0] >= 0, of_set),
  }
  kinds = tf.where(said & (near > 0), KINDS.index("query"), KINDS.index("popular"))
  kinds, (partner, count) = tf.broadcast_to(kinds, tf.shape(rows)), none
  for name, (there, (with_, orders)) in reversed(holds.items()):
    kinds = tf.where(there, KINDS.index(name), kinds)
    partner, count = tf.where(there, with_, partner), tf.where(there, orders, count)
  there = rows >= 0
  return Reasons(tf.where(there, kinds, 0), tf.where(there, partner, -1), tf.where(there, count, 0.0))


def _best(
  rows: tf.Tensor, others: tf.Tensor, count: tf.Tensor, counts: Candidates, chance: bool = True
) -> tuple[tf.Tensor, tf.Tensor]:
  """Of others [B, Q] the one that each of rows [B, R] goes with by cosine, and the orders that hold both; -1 and 0 where there
  is none, or where chance alone has them together as often."""
  held = rows_of(counts.orders, rows)[:, :, None] * rows_of(counts.orders, others)[:, None, :]
  itself = rows[:, :, None] == others[:, None, :]
  cosine = tf.where(itself, 0.0, count / (tf.sqrt(tf.maximum(held, 1)) + counts.shrink))
  if chance:
    cosine = tf.where(count > held / counts.total, cosine, 0.0)
  best = tf.argmax(cosine, axis=-1, output_type=tf.int32)
  at = lambda values: tf.gather(values, best, batch_dims=2)
  there = at(cosine) > 0
  return tf.where(there, tf.gather(others, best, batch_dims=1), -1), tf.where(there, at(count), 0.0)


def _of_set(rows: tf.Tensor, members: tf.Tensor, counts: Candidates) -> tuple[tf.Tensor, tf.Tensor]:
  batch, length = tf.unstack(tf.shape(rows))
  each = tf.reshape(rows, [-1, 1])
  others = tf.reshape(members, [-1, tf.shape(members)[2]])
  partner, count = _best(each, others, both_ways(each, others, counts)[0], counts)
  return tf.reshape(partner, [batch, length]), tf.reshape(count, [batch, length])
