"""A small SavedModel with the exporter's signatures, whose right answers can be worked out by hand.

Products p0 .. p9 at prices 1 .. 10 (p9: 0, unknown). A product's score is 9 - i, plus 100 / (1 + days) for the newest
place in the history, plus 1000 where the query (its case folded by tensorflow-text) is its id. Basket and excluded products
are left out. `complete_basket` says that each answer goes with the first of the basket and that 7 orders hold both. `combine`
answers two sets: the best `size_max` products, and the next ones, each adding its own score; a set over the budget is empty. The
other wishes about sets are taken and not heard. `rank_bundles` scores a set by the number of its products that there are, -1e9
where there are none.
"""

import json
import pathlib

import numpy as np
import polars as pl

from tfrec_combo.base.stack import tf, tf_text

N, H, M, X, K, C = 10, 4, 3, 2, 6, 2
IDS = [f"p{i}" for i in range(N)]
PRICES = [*map(float, range(1, N)), 0.0]
NONE = float("-inf")
NAMES = ("recommend", "complete_basket", "combine", "rank_bundles", "embed_queries")


def _request(**more):
  wanted = {
    "history_ids": ([None, H], tf.string),
    "history_days": ([None, H], tf.float32),
    "basket_ids": ([None, M], tf.string),
    "query": ([None], tf.string),
    "context": ([None], tf.string),
    "exclude_ids": ([None, X], tf.string),
  }
  return [tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in (wanted | more).items()]


class FakeModel(tf.Module):
  """See the file's docstring."""

  def __init__(self):
    super().__init__()
    self.ids = tf.Variable(IDS, trainable=False)
    self.prices = tf.Variable(PRICES, trainable=False)

  def _among(self, ids):
    return ids[:, :, None] == self.ids[None, None, :]

  def _ranked(self, history_ids, history_days, basket_ids, query, exclude_ids):
    lately = tf.reduce_max(tf.where(self._among(history_ids), 100 / (1 + history_days)[:, :, None], 0.0), 1)
    wanted = tf.where(tf_text.case_fold_utf8(query)[:, None] == self.ids[None, :], 1000.0, 0.0)
    scores = tf.range(N - 1, -1, -1, tf.float32)[None, :] + lately + wanted
    gone = tf.reduce_any(self._among(tf.concat([basket_ids, exclude_ids], 1)), 1)
    best = tf.math.top_k(tf.where(gone, NONE, scores), N)
    there = best.values > NONE
    ids = tf.where(there, tf.gather(self.ids, best.indices), "")
    return ids, best.values, tf.where(there, tf.gather(self.prices, best.indices), 0.0)

  @tf.function(input_signature=_request())
  def recommend(self, history_ids, history_days, basket_ids, query, context, exclude_ids):
    ids, scores, prices = self._ranked(history_ids, history_days, basket_ids, query, exclude_ids)
    return {"product_ids": ids[:, :K], "scores": scores[:, :K], "prices": prices[:, :K]}

  @tf.function(input_signature=_request())
  def complete_basket(self, history_ids, history_days, basket_ids, query, context, exclude_ids):
    answer = self.recommend(history_ids, history_days, basket_ids, query, context, exclude_ids)
    there = (answer["product_ids"] != "") & (basket_ids[:, :1] != "")
    return {
      **answer,
      "goes_with_ids": tf.where(there, basket_ids[:, :1], ""),
      "bought_together": tf.where(there, 7.0, 0.0),
    }

  @tf.function(
    input_signature=_request(
      size_min=([None], tf.int32),
      size_max=([None], tf.int32),
      budget=([None], tf.float32),
      must_include_ids=([None, M], tf.string),
      one_per_category=([None], tf.int32),
      allowed_categories=([None, 2], tf.string),
      in_stock_ids=([None, 5], tf.string),
      diversity=([None], tf.float32),
    )
  )
  def combine(
    self,
    history_ids,
    history_days,
    basket_ids,
    query,
    context,
    exclude_ids,
    size_min,
    size_max,
    budget,
    *wishes,
  ):
    ids, scores, prices = self._ranked(history_ids, history_days, basket_ids, query, exclude_ids)
    sets = [tf.reshape(x[:, : C * M], [-1, C, M]) for x in (ids, scores, prices)]
    keep = tf.broadcast_to(tf.sequence_mask(size_max, M)[:, None, :], tf.shape(sets[0]))
    total = tf.reduce_sum(tf.where(keep, sets[2], 0.0), -1)
    fits = (budget <= 0)[:, None] | (total <= budget[:, None])
    keep = keep & fits[:, :, None]
    parts = tf.where(keep, sets[1], 0.0)
    with_basket = keep & (basket_ids[:, :1] != "")[..., None]
    return {
      "set_ids": tf.where(keep, sets[0], ""),
      "set_prices": tf.where(keep, sets[2], 0.0),
      "totals": tf.where(fits, total, 0.0),
      "set_scores": tf.where(fits, tf.reduce_sum(parts, -1), NONE),
      "contributions": parts,
      "reasons": tf.where(keep, tf.where(with_basket, "basket", "popular"), ""),
      "goes_with_ids": tf.where(with_basket, basket_ids[:, :1, None], ""),
      "bought_together": tf.where(with_basket, 7.0, 0.0),
      "status": tf.where(tf.reduce_any(fits, -1), "ok", "budget"),
    }

  @tf.function(input_signature=_request(set_ids=([None, 2, M], tf.string)))
  def rank_bundles(self, history_ids, history_days, basket_ids, query, context, exclude_ids, set_ids):
    there = tf.cast(tf.reduce_any(set_ids[..., None] == self.ids, -1), tf.float32)
    unknown = tf.reduce_sum(tf.cast(set_ids != "", tf.float32) - there, -1)
    return {
      "set_scores": tf.where(tf.reduce_any(there > 0, -1), tf.reduce_sum(there, -1), -1e9),
      "contributions": there,
      "totals": tf.zeros_like(unknown),
      "unknown": tf.cast(unknown, tf.int32),
    }

  @tf.function(input_signature=_request())
  def embed_queries(self, history_ids, history_days, basket_ids, query, context, exclude_ids):
    tf.debugging.assert_less(tf.strings.length(query), 8, "query too long")
    return {"vectors": tf.one_hot(tf.strings.length(query), 8)}


def save(folder: pathlib.Path, version: int = 1, backwards: bool = False) -> pathlib.Path:
  """Writes <folder>/<version> and what the exporter puts beside it; returns `folder`. `backwards`: p9 scores best, p0 least."""
  target = pathlib.Path(folder) / str(version)
  model = FakeModel()
  if backwards:
    model.ids.assign(IDS[::-1])
    model.prices.assign(PRICES[::-1])
  signatures = {n: getattr(model, n) for n in NAMES}
  options = tf.saved_model.SaveOptions(namespace_whitelist=["TFText"])
  tf.saved_model.save(model, str(target), {**signatures, "serving_default": model.recommend}, options)
  extra = target / "assets.extra"
  extra.mkdir(exist_ok=True)
  table = {"product_id": IDS, "text": [f"Product {i}" for i in range(N)], "category": ["A > B"] * N}
  pl.DataFrame(table | {"price": [*PRICES[:-1], None]}).write_parquet(extra / "products.parquet")
  return pathlib.Path(folder)


def shop(tmp_path_factory) -> pathlib.Path:
  """The folder of a model with version 1, written once a test run; nothing may change it."""
  folder = tmp_path_factory.getbasetemp() / "saved_models" / "shop"
  return folder if folder.exists() else save(folder)


def inputs(rows: int = 1, **given) -> dict[str, np.ndarray]:
  """The empty request `rows` times, with what is given put in its place."""
  empty = {
    "history_ids": np.full([rows, H], "", object),
    "history_days": np.zeros([rows, H], np.float32),
    "basket_ids": np.full([rows, M], "", object),
    "query": np.full([rows], "", object),
    "context": np.full([rows], "", object),
    "exclude_ids": np.full([rows, X], "", object),
  }
  return empty | {name: np.asarray(value, object) for name, value in given.items()}


def write_queries(path: pathlib.Path, rows: list[dict]) -> pathlib.Path:
  """Requests as JSONL."""
  path.write_text("".join(json.dumps(row) + "\n" for row in rows))
  return path
