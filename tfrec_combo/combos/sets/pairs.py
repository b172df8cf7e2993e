"""What is known of two products as members of one set: bought together more or less than chance has it, alike or not."""

import dataclasses

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Candidates, Request
from tfrec_combo.combos.features import Features
from tfrec_combo.combos.past import lines
from tfrec_combo.towers.constants import rows_of
from tfrec_combo.towers.pads import trimmed

NAMES = (
  "lift", "known", "count", "doubt", "cosine", "text", "tower", "leaf", "aisle", "kinds", "price", "priced", "variants",
  "own_orders", "own_cosine",
)  # fmt: skip
SAME_TEXT = 0.85  # cosine of two texts of one category above which they name variants of one thing
# Above this they do unless orders hold both: with MiniLM, one title under two brands has 0.6 to 0.9.
LIKE_TEXT = 0.6
LARGEST_LIFT = 4.0  # log of observed over expected; beyond it more evidence says nothing new
OWN_ORDERS = 64  # newest own orders that are read


@dataclasses.dataclass(frozen=True)
class Pairs:
  """values: [B, P, Q, len(NAMES)] float32; a pair of a product with itself, or with a pad, is all 0. variants: [B, P, Q] bool,
  two of one kind, of which a shopper wants one."""

  values: tf.Tensor
  variants: tf.Tensor


def pairs(
  rows: tf.Tensor, others: tf.Tensor, request: Request, features: Features, counts: Candidates
) -> Pairs:
  """Features of each product of rows [B, P] with each of others [B, Q]; the same whichever of the two comes first.

  lift is the log of orders that hold both over those that chance would give, smoothed by one order; doubt is large where
  there is little evidence, and then text, tower and categories are all there is.
  """
  count, known = both_ways(rows, others, counts)
  held, held_other = rows_of(counts.orders, rows)[:, :, None], rows_of(counts.orders, others)[:, None, :]
  expected = held * held_other / counts.total
  lift = tf.math.log((count + 1) / (expected + 1)) / LARGEST_LIFT
  lift = tf.where(known, tf.clip_by_value(lift, -1.0, 1.0), 0.0)
  across = lambda values: tf.einsum("bpd,bqd->bpq", rows_of(values, rows), rows_of(values, others))
  same = lambda groups: tf.cast(_same(rows_of(groups, rows), rows_of(groups, others)), tf.float32)
  leaf, text = same(features.leaf), across(features.texts)
  variants = (leaf > 0) & ((text > SAME_TEXT) | ((text > LIKE_TEXT) & (lift <= 0)))
  priced = rows_of(features.priced, rows)[:, :, None] * rows_of(features.priced, others)[:, None, :]
  price = tf.abs(
    rows_of(features.log_price, rows)[:, :, None] - rows_of(features.log_price, others)[:, None, :]
  )
  kinds = tf.gather(features.pair_cosine, rows_of(features.pair_group, rows))  # [B, P, G]
  kinds = tf.gather(
    kinds, tf.tile(rows_of(features.pair_group, others)[:, None], [1, tf.shape(rows)[1], 1]), batch_dims=2
  )
  own, own_cosine = _own(rows, others, request)
  values = {
    "lift": lift,
    "known": tf.cast(known, tf.float32),
    "count": tf.math.log1p(count),
    "doubt": 1 / (1 + expected + count),
    "cosine": tf.math.log1p(100 * count / (tf.sqrt(tf.maximum(held * held_other, 1)) + counts.shrink)),
    "text": text,
    "tower": across(features.vectors),
    "leaf": leaf,
    "aisle": same(features.aisle),
    "kinds": tf.math.log1p(100 * kinds),
    "price": price * priced,
    "priced": priced,
    "variants": tf.cast(variants, tf.float32),
    "own_orders": tf.math.log1p(own),
    "own_cosine": own_cosine,
  }
  there = (rows >= 0)[:, :, None] & (others >= 0)[:, None, :] & (rows[:, :, None] != others[:, None, :])
  return Pairs(
    tf.where(there[..., None], tf.stack([values[name] for name in NAMES], axis=-1), 0.0), variants & there
  )


def both_ways(rows: tf.Tensor, others: tf.Tensor, counts: Candidates) -> tuple[tf.Tensor, tf.Tensor]:
  """As `together`, by the neighbours of either: those of a popular product are more than are kept."""
  count, known = together(rows, others, counts)
  back, known_back = (tf.transpose(x, [0, 2, 1]) for x in together(others, rows, counts))
  return tf.maximum(count, back), known | known_back


def together(rows: tf.Tensor, others: tf.Tensor, counts: Candidates) -> tuple[tf.Tensor, tf.Tensor]:
  """Orders that hold both products: counts [B, P, Q] of rows [B, P] with others [B, Q], and whether the count is known.

  Only each product's strongest neighbours are kept, so a pair outside a full list is unknown, not zero.
  """
  near = tf.where(rows[..., None] >= 0, tf.gather(counts.rows, tf.maximum(rows, 0)), -2)
  seen = rows_of(counts.together, rows)
  match = tf.cast(near[:, :, :, None] == others[:, None, None, :], tf.float32)
  count = tf.einsum("bpj,bpjq->bpq", seen, match)
  full = tf.reduce_all(near >= 0, axis=-1)
  return count, (count > 0) | ~full[..., None]


def own_held(rows: tf.Tensor, request: Request) -> tf.Tensor:
  """Which of the shopper's newest own orders held each product: [B, P, OWN_ORDERS] float32, 0 or 1."""
  history = trimmed(request.history)
  history, _, number = lines(history, request.history_days[:, : tf.shape(history)[1]])
  match = tf.cast((rows[:, :, None] == history[:, None, :]) & (rows >= 0)[:, :, None], tf.float32)
  return tf.minimum(tf.linalg.matmul(match, tf.one_hot(number, OWN_ORDERS)), 1.0)


def _own(rows: tf.Tensor, others: tf.Tensor, request: Request) -> tuple[tf.Tensor, tf.Tensor]:
  """Own orders that held both products, and their cosine: [B, P, Q] each."""
  one, other = own_held(rows, request), own_held(others, request)
  both = tf.linalg.matmul(one, other, transpose_b=True)
  size = tf.reduce_sum(one, -1)[:, :, None] * tf.reduce_sum(other, -1)[:, None, :]
  return both, both / tf.sqrt(tf.maximum(size, 1))


def _same(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
  return (one[:, :, None] == other[:, None, :]) & (one > 0)[:, :, None]
