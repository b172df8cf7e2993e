"""Cross features of (request, candidate): what the ranking task scores, all computed in the graph from the request alone."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Blend, Candidates, Request
from tfrec_combo.combos.co_purchase import CoPurchase
from tfrec_combo.combos.groups import cosines, latest, of_groups
from tfrec_combo.combos.nearness import nearness
from tfrec_combo.combos.past import HALF_LIVES, LAST_ORDERS
from tfrec_combo.combos.wording import COLUMNS
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.pads import trimmed

LOGGED = (
  *tuple(f"decay_{h}" for h in HALF_LIVES),
  "count",
  *(f"last_{n}" for n in LAST_ORDERS),
  "own_same",
  "own_category",
)
KEPT = ("recency", "found", "again", "regular")
SMALL = ("basket_cosine", "basket_share", "past_cosine", "basket_best", "basket_share_best", "past_best")
CROSSED = (
  "stage", "share", "order_share", "last", "gap", "due", "usual_gap", "usual_due", "basket_cosine_mean", "tower", "tower_basket",
  "tower_history", "near_past", "near_all", "near_basket",
  "tower_basket_best", "text_query", "popularity", "leaf_popularity", "popularity_in_leaf", "leaf_basket", "leaf_history",
  "leaf_share", "leaf_last", "category_basket", "category_history", "aisle_basket", "aisle_history", "leaf_cosine", "price",
  "price_fit", "basket_size", "history_size", "orders", "order_size", "span", "has_query",
)  # fmt: skip
NAMES = (*LOGGED, *KEPT, *SMALL, *CROSSED, "new", *COLUMNS)
MOST_LEAVES = 2048  # categories beyond which no table of all pairs is kept


class Features(tf.keras.layers.Layer):
  """[B, K, F] features of candidates, in the order of NAMES.

  vectors: [N, D] float32, product tower. texts: [N, W] float32, text vectors.
  """

  def __init__(self, catalogue: Catalogue, vectors: np.ndarray, texts: np.ndarray | tf.Variable, **kwargs):
    super().__init__(**kwargs)
    self.vectors, self.texts = table(vectors, "vectors"), table(texts, "texts")
    self.leaf = table(catalogue.categories.max(axis=1).astype(np.int32), "leaf")
    self.aisle = table(catalogue.categories[:, :2].max(axis=1).astype(np.int32), "aisle")
    self.log_price = table(np.log(np.where(catalogue.prices > 0, catalogue.prices, 1)), "log_price")
    self.priced = table((catalogue.prices > 0).astype(np.float32), "priced")
    self.categories = len(catalogue.category_names)
    # Beyond so many leaves the pairs of aisles stand in for them, and beyond so many aisles nothing does.
    leaves = catalogue.categories if self.categories <= MOST_LEAVES else catalogue.categories[:, :2]
    self.pair_groups = leaves.max(axis=1).astype(np.int32)
    _, self.pair_groups = np.unique(np.append(0, self.pair_groups), return_inverse=True)
    self.pair_groups = self.pair_groups[1:].astype(np.int32)
    if self.pair_groups.max(initial=0) >= MOST_LEAVES:
      self.pair_groups = np.zeros_like(self.pair_groups)
    kinds = int(self.pair_groups.max(initial=0)) + 1
    self.pair_group = table(self.pair_groups, "pair_group")
    self.pair_cosine = table(np.zeros([kinds, kinds], np.float32), "pair_cosine")
    self.leaf_orders = table(np.zeros([self.categories], np.float32), "leaf_orders")

  def learn(self, counts: CoPurchase, shrink: float) -> None:
    """Takes over which categories a part of the log holds, and holds together."""
    self.pair_cosine.assign(cosines(counts, self.pair_groups, self.pair_cosine.shape[0], shrink))
    leaf = self.leaf.numpy()
    held = np.bincount(leaf, counts.orders, self.categories)
    held[0] = 0
    self.leaf_orders.assign(held.astype(np.float32))

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
    usual_gap = rows_of(counts.gap, rows)
    log_price = rows_of(self.log_price, rows)
    priced = tf.reduce_sum(rows_of(self.priced, basket), 1, keepdims=True)
    fit = tf.reduce_sum(rows_of(self.log_price, basket), 1, keepdims=True) / tf.maximum(priced, 1)
    words = tf.cast(tf.reduce_any(request.query != 0, axis=1, keepdims=True), tf.float32)
    every = tf.ones_like(columns["count"])
    leaf, aisle = rows_of(self.leaf, rows), rows_of(self.aisle, rows)
    leaves, aisles = rows_of(self.leaf, history), rows_of(self.aisle, history)
    basket_leaves, basket_aisles = rows_of(self.leaf, basket), rows_of(self.aisle, basket)
    sums = lambda groups, weights, of: tf.gather(
      of_groups(groups, weights, self.categories), of, batch_dims=1
    )
    leaf_basket, leaf_history = sums(basket_leaves, given, leaf), sums(leaves, decayed, leaf)
    leaf_lines = sums(leaves, known, leaf)
    decayed_lines = tf.maximum(tf.reduce_sum(decayed, 1, keepdims=True), 1e-6)
    in_leaf = rows_of(self.leaf_orders, leaf)
    kinds = self._together(rows_of(self.pair_group, basket), rows_of(self.pair_group, rows))
    weights = [decayed / decayed_lines, known / tf.maximum(tf.sqrt(lines), 1), tf.zeros_like(known)]
    of_basket = given / tf.maximum(size, 1)
    weights = tf.concat([tf.stack(weights, -1), tf.stack([0 * given, 0 * given, of_basket], -1)], axis=1)
    near_past, near_all, near_basket = tf.unstack(
      tf.math.log1p(100 * nearness(rows, tf.concat([history, basket], axis=1), weights, counts)), axis=-1
    )
    taste = tf.einsum("bh,bhd->bd", decayed / decayed_lines, rows_of(self.vectors, history))
    values = {
      **{name: tf.math.log1p(columns[name]) for name in LOGGED},
      **{name: columns[name] for name in KEPT},
      **{name: tf.math.log1p(100 * columns[name]) for name in SMALL},
      "stage": blend.stage,
      "share": tf.sqrt(columns["count"] / tf.maximum(lines, 1)),
      "order_share": tf.math.log1p(100 * columns["count"] / tf.maximum(blend.orders, 1)),
      "last": tf.math.log1p(last),
      "gap": tf.math.log1p(gap),
      "due": again * tf.minimum(last / tf.maximum(gap, 1.0), 5.0),
      "usual_gap": tf.math.log1p(usual_gap),
      "usual_due": bought * tf.minimum(last / tf.maximum(usual_gap, 1.0), 5.0),
      "basket_cosine_mean": tf.math.log1p(100 * columns["basket_cosine"] / tf.maximum(size, 1)),
      "tower": tf.einsum("bkd,bd->bk", vectors, request.user),
      "tower_history": tf.einsum("bkd,bd->bk", vectors, taste),
      "near_past": near_past,
      "near_all": near_all,
      "near_basket": near_basket,
      "tower_basket": tf.reduce_sum(with_basket, -1) / tf.maximum(size, 1),
      "tower_basket_best": tf.reduce_max(tf.where(given[:, None, :] > 0, with_basket, -1.0), -1)
      * tf.cast(size > 0, tf.float32),
      "text_query": _standard(tf.einsum("bkw,bw->bk", rows_of(self.texts, rows), request.query), rows >= 0),
      "popularity": tf.math.log1p(1000 * columns["popularity"]),
      "leaf_popularity": tf.math.log1p(100 * in_leaf / counts.total),
      "popularity_in_leaf": tf.sqrt(rows_of(counts.orders, rows) / tf.maximum(in_leaf, 1)),
      "leaf_basket": tf.math.log1p(leaf_basket),
      "leaf_history": tf.math.log1p(leaf_history),
      "leaf_share": tf.sqrt(columns["count"] / tf.maximum(leaf_lines, 1)),
      "leaf_last": tf.math.log1p(tf.gather(latest(leaves, days, known, self.categories), leaf, batch_dims=1)),
      "category_basket": leaf_basket / tf.maximum(size, 1e-6),
      "category_history": leaf_history / decayed_lines,
      "aisle_basket": sums(basket_aisles, given, aisle) / tf.maximum(size, 1e-6),
      "aisle_history": sums(aisles, decayed, aisle) / decayed_lines,
      "leaf_cosine": tf.math.log1p(100 * kinds / tf.maximum(size, 1)),
      "price": log_price,
      "price_fit": tf.abs(log_price - fit) * rows_of(self.priced, rows) * tf.cast(priced > 0, tf.float32),
      "basket_size": every * tf.math.log1p(size),
      "history_size": every * tf.math.log1p(lines),
      "orders": every * tf.math.log1p(blend.orders),
      "order_size": every * tf.math.log1p(lines / tf.maximum(blend.orders, 1)),
      "span": every * tf.math.log1p(tf.reduce_max(known * days, 1, keepdims=True)),
      "has_query": every * words,
      "new": tf.cast(rows_of(counts.orders, rows) == 0, tf.float32),
    }
    if counts.wording is None:
      values |= {name: tf.zeros_like(every) for name in COLUMNS}
    else:
      values |= counts.wording.columns(basket, request.query, request.said, rows)
    return tf.stack([values[name] for name in NAMES], axis=-1)

  def _together(self, given: tf.Tensor, groups: tf.Tensor) -> tf.Tensor:
    """Cosines of groups [B, K] with those of a basket [B, M], summed over it: [B, K].

    One lookup a pair: the product with the whole table would read millions of numbers for a request. Group 0, also of pads, is
    with none.
    """
    place = given[:, :, None] * self.pair_cosine.shape[0] + groups[:, None, :]
    return tf.reduce_sum(tf.gather(tf.reshape(self.pair_cosine, [-1]), place), axis=1)


def _standard(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
  """Values [B, K] less their mean, over their deviation among the candidates: short queries have lower cosines than long
  ones, and only their order says what was meant. 0 where all are equal."""
  weight = tf.cast(mask, tf.float32)
  count = tf.maximum(tf.reduce_sum(weight, 1, keepdims=True), 1)
  centred = (values - tf.reduce_sum(values * weight, 1, keepdims=True) / count) * weight
  return centred / tf.sqrt(tf.reduce_sum(centred**2, 1, keepdims=True) / count + 1e-6)
