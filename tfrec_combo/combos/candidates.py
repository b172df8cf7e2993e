"""Candidates of a request from four sources: what the shopper bought before, what goes with the basket and with the history,
what the towers find, and what is popular; joined, with what each source says of each product."""

import dataclasses

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.co_purchase import CoPurchase
from tfrec_combo.combos.merge import merge
from tfrec_combo.towers.constants import rows_of, table

HALF_LIVES = (7.0, 30.0, 90.0)  # days
RECENT_LINES = 48  # newest lines of history whose neighbours are candidates
RECENT_NEIGHBOURS = 30
POPULAR = 50  # popular products every request may fall back on


@dataclasses.dataclass(frozen=True)
class Request:
  """One batch of requests in catalogue rows; pads are -1.

  history: [B, H] int32, newest first, with history_days [B, H] float32. basket: [B, M] int32. exclude: [B, X] int32.
  query: [B, W] text vectors, zero where there is none. user: [B, D] query vectors of the user tower.
  """

  history: tf.Tensor
  history_days: tf.Tensor
  basket: tf.Tensor
  exclude: tf.Tensor
  query: tf.Tensor
  user: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Blend:
  """rows: [B, K] int32 candidates, -1 where there are fewer; columns: [B, K] float32 each, what the sources say."""

  rows: tf.Tensor
  columns: dict[str, tf.Tensor]


class Candidates(tf.keras.layers.Layer):
  """The blend of sources. It trains nothing; `learn` sets its counts, and again after the ranker was trained."""

  def __init__(self, count: int, products: int, neighbours: int, shrink: float, **kwargs):
    super().__init__(**kwargs)
    self.count, self.products, self.shrink = count, products, shrink
    self.rows = table(np.full([products, neighbours], -1, np.int32), "neighbour_rows")
    self.together = table(np.zeros([products, neighbours], np.float32), "neighbour_counts")
    self.orders = table(np.zeros([products], np.float32), "orders")
    self.total = table(np.float32(1), "total_orders")
    self.popular = table(np.zeros([min(POPULAR + 128, products)], np.int32), "popular")

  def learn(self, counts: CoPurchase) -> None:
    """Takes over the co-purchase counts of a part of the log."""
    self.rows.assign(counts.rows)
    self.together.assign(counts.together)
    self.orders.assign(counts.orders)
    self.total.assign(max(counts.total, 1))
    by_popularity = np.lexsort((np.arange(self.products), -counts.orders))
    self.popular.assign(by_popularity[: self.popular.shape[0]].astype(np.int32))

  def call(self, request: Request, found: tf.Tensor) -> Blend:
    """found: [B, K1] int32 rows that the index answered, best first. See `Blend` for what comes back."""
    history, days = trimmed(request.history), request.history_days
    days = days[:, : tf.shape(history)[1]]
    basket = trimmed(request.basket)
    recent = history[:, :RECENT_LINES]
    batch = tf.shape(history)[0]
    near, near_cosine, near_share = self.neighbours(basket, None)
    past, past_cosine, _ = self.neighbours(recent, RECENT_NEIGHBOURS)
    popular = tf.tile(self.popular[None, :], [batch, 1])
    refused = tf.concat([basket, trimmed(request.exclude)], axis=1)
    merged = merge([history, near, past, found, popular, refused])
    known = tf.cast(history >= 0, tf.float32)
    width = tf.shape(self.rows)[1]
    recent_weight = tf.exp(-days[:, : tf.shape(recent)[1]] / 60.0) * known[:, : tf.shape(recent)[1]]
    rank = tf.exp(-tf.range(tf.shape(found)[1], dtype=tf.float32) / 30.0)[None, :] * tf.cast(
      found >= 0, tf.float32
    )
    columns = {
      "count": merged.add(0, known),
      **{f"decay_{int(h)}": merged.add(0, known * tf.exp(-days * (np.log(2) / h))) for h in HALF_LIVES},
      "recency": merged.largest(0, known * tf.exp(-days / 365.0)),
      "oldest": merged.largest(0, known * (1 - tf.exp(-(days + 0.1) / 365.0))),
      "basket_cosine": merged.add(1, near_cosine),
      "basket_best": merged.largest(1, near_cosine),
      "basket_share": merged.add(1, near_share),
      "basket_share_best": merged.largest(1, near_share),
      "past_cosine": merged.add(
        2, past_cosine * tf.repeat(recent_weight, tf.minimum(width, RECENT_NEIGHBOURS), axis=1)
      ),
      "past_best": merged.largest(2, past_cosine),
      "found": merged.add(3, rank),
    }
    popularity = rows_of(self.orders, merged.rows) / self.total
    lines = tf.maximum(tf.reduce_sum(known, axis=1, keepdims=True), 1)
    size = tf.maximum(tf.reduce_sum(tf.cast(basket >= 0, tf.float32), axis=1, keepdims=True), 1)
    # The blend of personal frequency, decay and co-purchase that orders candidates before they are ranked: only who is
    # among the first `count` depends on it.
    prior = (
      columns["count"] / lines
      + columns["decay_30"] / tf.maximum(tf.reduce_sum(columns["decay_30"], axis=1, keepdims=True), 1)
      + 0.5 * columns["basket_cosine"] / size
      + 0.05 * columns["past_cosine"] / tf.maximum(tf.reduce_sum(recent_weight, axis=1, keepdims=True), 1)
      + 0.02 * columns["found"]
      + 0.01 * popularity
    )
    said = (
      tf.reduce_any(history >= 0, 1) | tf.reduce_any(basket >= 0, 1) | tf.reduce_any(request.query != 0, 1)
    )
    prior = tf.where(
      said[:, None], prior, popularity
    )  # whoever says nothing is offered what is popular, and only that
    allowed = (merged.rows >= 0) & (merged.add(5, tf.cast(refused >= 0, tf.float32)) == 0)
    prior = tf.where(allowed, prior, -1.0)
    best = tf.math.top_k(prior, tf.minimum(self.count, tf.shape(prior)[1]))
    rows = tf.where(best.values >= 0, tf.gather(merged.rows, best.indices, batch_dims=1), -1)
    columns = {name: tf.gather(value, best.indices, batch_dims=1) for name, value in columns.items()}
    return Blend(rows, columns | {"prior": tf.maximum(best.values, 0)})

  def neighbours(self, rows: tf.Tensor, count: int | None) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The neighbours of products [B, S]: rows, cosine and share (of the product's orders that hold the neighbour), each
    [B, S * J]."""
    near = self.rows if count is None else self.rows[:, :count]
    together = self.together if count is None else self.together[:, :count]
    others = tf.where(rows[..., None] >= 0, tf.gather(near, tf.maximum(rows, 0)), -1)
    seen = rows_of(together, rows) * tf.cast(others >= 0, tf.float32)
    own = tf.maximum(rows_of(self.orders, rows), 1)[..., None]
    cosine = seen / (tf.sqrt(own * tf.maximum(rows_of(self.orders, others), 1)) + self.shrink)
    flat = [tf.shape(rows)[0], -1]
    return tf.reshape(others, flat), tf.reshape(cosine, flat), tf.reshape(seen / own, flat)


def trimmed(rows: tf.Tensor) -> tf.Tensor:
  """Cuts columns that hold only pads off the right of [B, S], and keeps one: work follows the longest of the batch."""
  places = tf.where(rows >= 0, tf.range(1, tf.shape(rows)[1] + 1)[None, :], 1)
  return rows[:, : tf.reduce_max(places)]
