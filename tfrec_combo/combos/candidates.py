"""Candidates of a request from four sources: what the shopper bought before, what goes with the basket and with the history,
what the towers find, and what is popular; joined, with what each source says of each product."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos import habits as h
from tfrec_combo.combos.co_purchase import CoPurchase
from tfrec_combo.combos.first_stage import FirstStage, prior_of
from tfrec_combo.combos.merge import merge
from tfrec_combo.combos.past import HALF_LIVES, LAST_ORDERS, past
from tfrec_combo.combos.wording import Wording
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.pads import trimmed

RECENT_LINES = 48  # newest lines of history whose neighbours are candidates
RECENT_NEIGHBOURS = 30
NO_CANDIDATE = -1e9
POOL = 1024  # candidates that the prior lets through to the first stage
OWN = (
  "count",
  *(f"decay_{h}" for h in HALF_LIVES),
  *(f"last_{n}" for n in LAST_ORDERS),
  "own_same",
  "own_category",
)
COLUMNS = (
  *OWN, "recency", "oldest", "basket_cosine", "basket_share", "basket_best", "basket_share_best", "past_cosine", "past_best",
  "found", "popularity", "again", "regular", "orders", "basket_size",
)  # fmt: skip
POPULAR = 200  # popular products every request may fall back on


@dataclasses.dataclass(frozen=True)
class Request:
  """One batch of requests in catalogue rows; pads are -1.

  history: [B, H] int32, newest first, with history_days [B, H] float32. basket: [B, M] int32. exclude: [B, X] int32.
  query: [B, W] text vectors, zero where there is none. user: [B, D] query vectors of the user tower. said: [B] string, the
  query in words, "" where there is none.
  """

  history: tf.Tensor
  history_days: tf.Tensor
  basket: tf.Tensor
  exclude: tf.Tensor
  query: tf.Tensor
  user: tf.Tensor
  said: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Blend:
  """rows: [B, L] int32 candidates, -1 where there are fewer; said: [B, L, len(COLUMNS)] float32, what the sources say;
  stage: [B, L] float32, logits of the first stage, NO_CANDIDATE where there is none; wish: [B, L] float32, what a request's
  own wishes add to that when the best are taken; orders: [B, 1] float32, own past orders."""

  rows: tf.Tensor
  said: tf.Tensor
  stage: tf.Tensor
  wish: tf.Tensor
  orders: tf.Tensor

  @property
  def columns(self) -> dict[str, tf.Tensor]:
    """What the sources say by name, [B, L] each."""
    return dict(zip(COLUMNS, tf.unstack(self.said, axis=-1)))

  def at(self, places: tf.Tensor) -> "Blend":
    """The candidates at places [B, K]."""
    part = lambda values: tf.gather(values, places, batch_dims=1)
    return Blend(part(self.rows), part(self.said), part(self.stage), part(self.wish), self.orders)

  def best(self, count: int) -> "Blend":
    """The first `count` by the first stage and the wishes, best first."""
    wanted = self.stage + self.wish
    return self.at(tf.math.top_k(wanted, tf.minimum(count, tf.shape(wanted)[1])).indices)


@dataclasses.dataclass(frozen=True)
class Wishes:
  """What a request asks of candidates beside being good.

  rows: [B, E] int32, products that are candidates whatever the sources bring, pads below 0. worth: rows [B, L] -> [B, L]
  float32, added to a candidate's place before the best are taken; NO_CANDIDATE leaves it out.
  """

  rows: tf.Tensor
  worth: Callable[[tf.Tensor], tf.Tensor]


class Candidates(tf.keras.layers.Layer):
  """The blend of sources and its first stage. `learn` sets its counts, and again after the ranker was trained.

  leaf: [N] int32, category of each product, 0 for none. wording: a further source, of products whose texts are near; none
  where all products are well known.
  """

  def __init__(
    self,
    count: int,
    leaf: np.ndarray,
    neighbours: int,
    shrink: float,
    wording: Wording | None = None,
    **kwargs,
  ):
    super().__init__(**kwargs)
    self.wording = wording
    self.count, self.products, self.shrink = count, len(leaf), shrink
    self.leaf = table(leaf.astype(np.int32), "candidate_leaf")
    self.rows = table(np.full([self.products, neighbours], -1, np.int32), "neighbour_rows")
    self.together = table(np.zeros([self.products, neighbours], np.float32), "neighbour_counts")
    self.orders = table(np.zeros([self.products], np.float32), "orders")
    self.total = table(np.float32(1), "total_orders")
    self.popular = table(np.zeros([min(POPULAR + 128, self.products)], np.int32), "popular")
    # Times a shopper buys it again, times a history holds it, days between.
    self.again = table(np.zeros([self.products], np.float32), "again")
    self.regular = table(np.zeros([self.products], np.float32), "regular")
    self.gap = table(np.ones([self.products], np.float32), "usual_gap")
    self.offered = table(np.ones([self.products], bool), "offered")
    self.first_stage = FirstStage(len(COLUMNS), name="first_stage")
    self.first_stage.build(None)

  def offer(self, offered: np.ndarray) -> None:
    """Sets what may be answered, [N] bool; before `learn`, which ranks the popular among them first."""
    self.offered.assign(offered)

  def learn(self, counts: CoPurchase, habits: h.Habits | None = None) -> None:
    """Takes over the co-purchase counts and habits of a part of the log."""
    self.rows.assign(counts.rows)
    self.together.assign(counts.together)
    self.orders.assign(counts.orders)
    self.total.assign(max(counts.total, 1))
    by_popularity = np.lexsort((np.arange(self.products), -counts.orders, ~self.offered.numpy()))
    self.popular.assign(by_popularity[: self.popular.shape[0]].astype(np.int32))
    habits = habits or h.unknown(self.products)
    self.again.assign(habits.again)
    self.regular.assign(habits.regular)
    self.gap.assign(habits.gap)

  def call(self, request: Request, found: tf.Tensor) -> Blend:
    """The first `count` candidates. found: [B, K1] int32 rows that the index answered, best first."""
    return self.pool(request, found).best(self.count)

  def pool(self, request: Request, found: tf.Tensor, wishes: Wishes | None = None) -> Blend:
    """What of all the sources bring passes the prior, by the prior; see `call`."""
    basket = trimmed(request.basket)
    history = trimmed(request.history)
    days = request.history_days[:, : tf.shape(history)[1]]
    own = past(history, days, rows_of(self.leaf, history), basket, rows_of(self.leaf, basket))
    history, days = own.rows, own.days
    recent = history[:, :RECENT_LINES]
    batch = tf.shape(history)[0]
    near, near_cosine, near_share = self.neighbours(basket, None)
    old, old_cosine, _ = self.neighbours(recent, RECENT_NEIGHBOURS)
    popular = tf.tile(self.popular[None, :], [batch, 1])
    refused = tf.concat([basket, trimmed(request.exclude)], axis=1)
    sources = [history, near, old, found, popular, refused]
    if self.wording is not None:
      alike, like_cosine = self.wording.near.near(basket)
      asked, asked_cosine = self.wording.near.asked(request.query)
      sources += [alike, asked]
    if wishes is not None:
      sources.append(wishes.rows)
    merged = merge(sources)
    known = own.weights["count"]
    recent_weight = tf.exp(-days[:, : tf.shape(recent)[1]] / 60.0) * known[:, : tf.shape(recent)[1]]
    rank = tf.exp(-tf.range(tf.shape(found)[1], dtype=tf.float32) / 30.0)[None, :] * tf.cast(
      found >= 0, tf.float32
    )
    lines = tf.maximum(tf.reduce_sum(known, axis=1, keepdims=True), 1)
    size = tf.reduce_sum(tf.cast(basket >= 0, tf.float32), axis=1, keepdims=True)
    ages = [known * tf.exp(-days / 365.0), known * (1 - tf.exp(-(days + 0.1) / 365.0))]
    nearest = tf.stack([near_cosine, near_share], -1)
    past_weight = tf.repeat(recent_weight, min(self.rows.shape[1], RECENT_NEIGHBOURS), axis=1)
    said = [
      merged.add(0, tf.stack([own.weights[name] for name in OWN], -1)),
      merged.largest(0, tf.stack(ages, -1)),
      merged.add(1, nearest),
      merged.largest(1, nearest),
      merged.add(2, (old_cosine * past_weight)[..., None]),
      merged.largest(2, old_cosine[..., None]),
      merged.add(3, rank[..., None]),
    ]
    said = tf.concat(said, axis=-1)
    popularity = rows_of(self.orders, merged.rows) / self.total
    recent_total = tf.reduce_sum(recent_weight, axis=1, keepdims=True)
    prior = prior_of(dict(zip(COLUMNS, tf.unstack(said, axis=-1))), popularity, lines, size, recent_total)
    if self.wording is not None:
      prior += 0.3 * merged.add(6, like_cosine) / tf.maximum(size, 1) + 0.15 * merged.largest(7, asked_cosine)
    asks = (
      tf.reduce_any(history >= 0, 1) | tf.reduce_any(basket >= 0, 1) | tf.reduce_any(request.query != 0, 1)
    )
    # Whoever says nothing is offered what is popular, and only that.
    prior = tf.where(asks[:, None], prior, popularity)
    allowed = rows_of(self.offered, merged.rows) & (merged.add(5, tf.cast(refused >= 0, tf.float32)) == 0)
    wish = tf.zeros_like(prior) if wishes is None else wishes.worth(merged.rows)
    wanted = tf.where(allowed & (wish > NO_CANDIDATE / 2), prior + wish, NO_CANDIDATE)
    first = tf.math.top_k(wanted, tf.minimum(max(POOL, self.count), tf.shape(prior)[1]))
    at = lambda values: tf.gather(values, first.indices, batch_dims=1)
    allowed = first.values > NO_CANDIDATE / 2
    prior, wish = at(prior), at(wish)
    rows = tf.where(allowed, at(merged.rows), -1)
    every = tf.ones_like(rows, tf.float32)
    tables = [rows_of(values, rows) for values in (self.orders, self.again, self.regular)]
    asked_of = [every * own.orders[:, None] / 20.0, every * size / 20.0]
    said = tf.concat([at(said), tf.stack([tables[0] / self.total, *tables[1:], *asked_of], -1)], axis=-1)
    stage = tf.where(asks[:, None], self.first_stage(said, prior), prior)
    stage = tf.where(allowed, stage, NO_CANDIDATE)
    return Blend(rows, said, stage, tf.where(allowed, wish, 0.0), own.orders[:, None])

  def neighbours(self, rows: tf.Tensor, count: int | None) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The neighbours of products [B, S]: rows, cosine and share (of the product's orders that hold the neighbour), each
    [B, S * J]."""
    # Cut after they were gathered: cut before, each request would copy the tables of the whole catalogue.
    others = tf.gather(self.rows, tf.maximum(rows, 0))[..., :count]
    others = tf.where(rows[..., None] >= 0, others, -1)
    seen = rows_of(self.together, rows)[..., :count] * tf.cast(others >= 0, tf.float32)
    own = tf.maximum(rows_of(self.orders, rows), 1)[..., None]
    cosine = seen / (tf.sqrt(own * tf.maximum(rows_of(self.orders, others), 1)) + self.shrink)
    flat = [tf.shape(rows)[0], -1]
    return tf.reshape(others, flat), tf.reshape(cosine, flat), tf.reshape(seen / own, flat)
