"""Cross features of (request, candidate): what the ranking task scores, all computed in the graph from the request alone."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Blend, Candidates, Request, trimmed
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.towers.constants import rows_of, table

LOGGED = ("count", "decay_7", "decay_30", "decay_90")
KEPT = ("recency", "basket_best", "basket_share_best", "past_best", "found")
ROOTED = ("basket_cosine", "basket_share", "past_cosine", "prior")
CROSSED = (
  "share", "often", "gap", "due", "basket_cosine_mean", "tower", "tower_basket", "tower_basket_best", "text_query", "popularity",
  "category_basket", "category_history", "aisle_basket", "aisle_history", "price", "price_fit",
  "basket_size", "history_size", "has_query",
)  # fmt: skip
NAMES = (*LOGGED, *KEPT, *ROOTED, *CROSSED)


class Features(tf.keras.layers.Layer):
  """[B, K, F] features of candidates, in the order of NAMES.

  vectors: [N, D], product tower. texts: [N, W], text vectors.
  """

  def __init__(self, catalogue: Catalogue, vectors: np.ndarray, texts: np.ndarray, **kwargs):
    super().__init__(**kwargs)
    self.vectors = table(vectors.astype(np.float32), "vectors")
    self.texts = table(texts.astype(np.float32), "texts")
    self.leaf = table(catalogue.categories.max(axis=1).astype(np.int32), "leaf")
    self.aisle = table(catalogue.categories[:, :2].max(axis=1).astype(np.int32), "aisle")
    self.log_price = table(np.log(np.where(catalogue.prices > 0, catalogue.prices, 1)), "log_price")
    self.priced = table((catalogue.prices > 0).astype(np.float32), "priced")
    self.categories = len(catalogue.category_names)

  def call(self, request: Request, blend: Blend, counts: Candidates) -> tf.Tensor:
    """Features of each candidate of `blend`; `counts` holds popularity."""
    rows, columns = blend.rows, blend.columns
    history, basket = trimmed(request.history), trimmed(request.basket)
    days = request.history_days[:, : tf.shape(history)[1]]
    known, given = tf.cast(history >= 0, tf.float32), tf.cast(basket >= 0, tf.float32)
    lines, size = tf.reduce_sum(known, 1, keepdims=True), tf.reduce_sum(given, 1, keepdims=True)
    decayed = known * tf.exp(-days / 45.0)
    vectors = rows_of(self.vectors, rows)
    basket_vectors = rows_of(self.vectors, basket)
    with_basket = tf.einsum("bkd,bmd->bkm", vectors, basket_vectors)
    last = -365.0 * tf.math.log(tf.maximum(columns["recency"], 1e-6))
    first = -365.0 * tf.math.log(tf.maximum(1 - columns["oldest"], 1e-6))
    bought = tf.cast(columns["count"] > 0, tf.float32)
    again = tf.cast(columns["count"] > 1, tf.float32)
    gap = again * (first - last) / tf.maximum(columns["count"] - 1, 1)
    log_price = rows_of(self.log_price, rows)
    priced = tf.reduce_sum(rows_of(self.priced, basket), 1, keepdims=True)
    fit = tf.reduce_sum(rows_of(self.log_price, basket), 1, keepdims=True) / tf.maximum(priced, 1)
    words = tf.cast(tf.reduce_any(request.query != 0, axis=1, keepdims=True), tf.float32)
    every = tf.ones_like(columns["count"])
    values = {
      **{name: tf.math.log1p(columns[name]) for name in LOGGED},
      **{name: columns[name] for name in KEPT},
      **{name: tf.sqrt(columns[name]) for name in ROOTED},
      "share": tf.sqrt(columns["count"] / tf.maximum(lines, 1)),
      "often": bought / (1 + gap / 7.0),
      "gap": tf.math.log1p(gap),
      "due": again * tf.minimum(last / tf.maximum(gap, 1.0), 5.0),
      "basket_cosine_mean": columns["basket_cosine"] / tf.maximum(size, 1),
      "tower": tf.einsum("bkd,bd->bk", vectors, request.user),
      "tower_basket": tf.reduce_sum(with_basket, -1) / tf.maximum(size, 1),
      "tower_basket_best": tf.reduce_max(tf.where(given[:, None, :] > 0, with_basket, -1.0), -1)
      * tf.cast(size > 0, tf.float32),
      "text_query": _standard(tf.einsum("bkw,bw->bk", rows_of(self.texts, rows), request.query), rows >= 0),
      "popularity": tf.math.log1p(1000 * rows_of(counts.orders, rows) / counts.total),
      "category_basket": self._share(self.leaf, rows, basket, given),
      "category_history": self._share(self.leaf, rows, history, decayed),
      "aisle_basket": self._share(self.aisle, rows, basket, given),
      "aisle_history": self._share(self.aisle, rows, history, decayed),
      "price": log_price,
      "price_fit": tf.abs(log_price - fit) * rows_of(self.priced, rows) * tf.cast(priced > 0, tf.float32),
      "basket_size": every * tf.math.log1p(size),
      "history_size": every * tf.math.log1p(lines),
      "has_query": every * words,
    }
    return tf.stack([values[name] for name in NAMES], axis=-1)

  def _share(self, group: tf.Variable, rows: tf.Tensor, others: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Share of the weight [B, S] of products `others` that lies in the candidate's group: [B, K]; 0 for products that
    have none."""
    batch = tf.shape(rows)[0]
    groups = rows_of(group, others)
    flat = groups + tf.range(batch)[:, None] * self.categories
    total = tf.math.unsorted_segment_sum(
      tf.reshape(weights * tf.cast(groups > 0, tf.float32), [-1]),
      tf.reshape(flat, [-1]),
      batch * self.categories,
    )
    total = tf.reshape(total, [batch, self.categories]) / tf.maximum(
      tf.reduce_sum(weights, 1, keepdims=True), 1e-6
    )
    return tf.gather(total, rows_of(group, rows), batch_dims=1)


def _standard(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
  """Values [B, K] less their mean, over their deviation among the candidates: short queries have lower cosines than long
  ones, and only their order says what was meant. 0 where all are equal."""
  weight = tf.cast(mask, tf.float32)
  count = tf.maximum(tf.reduce_sum(weight, 1, keepdims=True), 1)
  centred = (values - tf.reduce_sum(values * weight, 1, keepdims=True) / count) * weight
  return centred / tf.sqrt(tf.reduce_sum(centred**2, 1, keepdims=True) / count + 1e-6)
