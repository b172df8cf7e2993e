"""The graph that is served: raw strings in, string ids, scores and prices out; tokenizer, towers, index and ranker inside."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tfrec_combo.base import config as c
from tfrec_combo.base.settings import Export
from tfrec_combo.base.stack import tf
from tfrec_combo.combos import rerank
from tfrec_combo.combos.bundles.ranker import BundleTables
from tfrec_combo.combos.candidates import Request
from tfrec_combo.combos.ranker import NO_CANDIDATE, Ranker
from tfrec_combo.combos.sets import reasons
from tfrec_combo.combos.sets.scorer import SetScorer
from tfrec_combo.export.bundles import SIGNATURE as BUNDLES
from tfrec_combo.export.bundles import BundleSide, signature
from tfrec_combo.export.sets import SetSide
from tfrec_combo.export.tracing import Tensors, neutral, shared, spread, traced, with_usual
from tfrec_combo.export.vocabulary import vocabulary
from tfrec_combo.logs.shop import CATEGORY_SEPARATOR
from tfrec_combo.towers.catalogue import LEVELS, Catalogue
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.product import ProductTower
from tfrec_combo.towers.text import TextTower


class ServedModel(tf.Module):
  """Signatures `recommend`, `complete_basket`, `combine`, `rank_bundles`, `embed_products` and `embed_queries`.

  Rows of a batch do not know of each other, and every inner shape is fixed, as TF Serving's batching asks. Ids that are not
  in the catalogue are ignored. Whoever asks may leave out any input of the first four but the sets to be ranked: it is empty
  then, or what the config says. `recommend` and `complete_basket` take weights `diversity` and `novelty`, [B] in 0 to 1, of
  `config.rerank` where they are left out. Only variables and tables are tracked: Keras objects are kept out of the
  SavedModel, which then needs no Keras to load and holds one copy of each weight.

  Args:
    assets: an existing folder for the vocabulary files that the SavedModel takes over.
    bundles: the trained vectors and ids of the ready-made bundles, where the shop has any: signature `recommend_bundles`.
  """

  def __init__(
    self,
    ranker: Ranker,
    scorer: SetScorer,
    product_tower: ProductTower,
    text_tower: TextTower,
    catalogue: Catalogue,
    config: c.Config,
    assets: pathlib.Path,
    bundles: tuple[BundleTables, list[str]] | None = None,
  ):
    super().__init__(name="tfrec_combo")
    self.settings = config.export.model_dump()
    self.usual = config.rerank.model_dump()
    self.ids = table(np.array([i.encode() for i in catalogue.ids], object), "product_ids")
    self.prices = table(catalogue.prices, "prices")
    self.rows = vocabulary(assets / "product_ids.txt", catalogue.ids)
    self.categories = vocabulary(
      assets / "categories.txt", catalogue.category_names[1:] or [CATEGORY_SEPARATOR]
    )
    self.bundles = BundleSide(*bundles, self.rows, config.export, assets) if bundles else None
    self.sets = SetSide(ranker, scorer, catalogue, config, self.ids, self.prices, self.rows, self.categories)
    self.wishes = {"size_min": min(2, config.combine.size), "size_max": min(4, config.combine.size)}
    self._specs = specs(config.export)
    # Every signature but two reads a request, and two rank products: each traced once, in a function that is not tracked.
    self._request = shared(lambda **inputs: self._read(inputs), self._specs)
    trade = {name: tf.TensorSpec([None], tf.float32) for name in self.usual}
    self._reranked = shared(lambda **inputs: self._ordered(inputs), self._specs | trade)
    # A partial is not tracked; what it holds is.
    self._parts = functools.partial(_parts, ranker, product_tower, text_tower)
    indexes: list[Any] = [ranker.index]
    if ranker.candidates.wording is not None:
      indexes.append(ranker.candidates.wording.near.index)
      self.terms = ranker.candidates.wording.terms.numbers, ranker.candidates.wording.kinds.numbers
    every: list[Any] = [
      ranker.candidates,
      ranker.features,
      ranker.net,
      ranker.user_tower,
      *indexes,
      product_tower,
      text_tower,
      scorer,
    ]
    # Products are named by `ids`, and `embed_products` knows none by its row.
    unread = [product_tower.ids, product_tower.seen, product_tower.categories, product_tower.prices]
    left_out = {v.ref() for v in [*unread, *(index.ids for index in indexes)]}
    weights = {v.ref(): v for part in every for v in part.variables}
    self.weights = [v for ref, v in weights.items() if ref not in left_out]

  def request(self, inputs: Tensors) -> tuple[Request, tf.Tensor]:
    """The request in catalogue rows, and which rows of the batch say nothing at all, [B] bool."""
    *fields, empty = self._request(inputs)
    return Request(*fields), empty

  def _read(self, inputs: Tensors) -> list[tf.Tensor]:
    """The fields of `request`'s answer."""
    ranker, _, text_tower = self._parts()
    days = inputs["history_days"]
    batch = {
      "history": self.rows.lookup(inputs["history_ids"]),
      "history_days": tf.where(tf.math.is_finite(days), tf.maximum(days, 0), 0),
      "basket": self.rows.lookup(inputs["basket_ids"]),
      "exclude": self.rows.lookup(inputs["exclude_ids"]),
      "context": inputs["context"],
      "query": inputs["query"],
    }
    # Most requests bring no words, and BERT is the dearest part of an answer.
    words = tf.cond(
      tf.reduce_any(inputs["query"] != ""),
      lambda: text_tower.encode(inputs["query"]),
      lambda: tf.zeros([tf.shape(inputs["query"])[0], text_tower.width]),
    )
    request = ranker.request(batch, words)
    said = (
      tf.reduce_any(request.history >= 0, 1) | tf.reduce_any(request.basket >= 0, 1) | (inputs["query"] != "")
    )
    return [*_fields(request), ~said]

  def ranked(self, inputs: Tensors, k: int) -> tuple[Request, tf.Tensor, tf.Tensor]:
    """The request, and the k best products: rows [B, k] (-1 for none) and scores [B, k]. An empty request gets the popular
    ones. Inputs may name `novelty`."""
    ranker = self._parts()[0]
    request, empty = self.request(inputs)
    rows, features = ranker.lists(request)
    orders = rows_of(ranker.candidates.orders, rows)
    scores = tf.where(empty[:, None], tf.math.log1p(orders), ranker.net(features))
    if "novelty" in inputs:
      scores = rerank.less_popular(scores, orders, rerank.weight(inputs["novelty"], tf.shape(rows)[0]))
    scores = tf.where(rows >= 0, scores, NO_CANDIDATE)
    best = tf.math.top_k(scores, tf.minimum(k, tf.shape(scores)[1]))
    missing = [[0, 0], [0, k - tf.shape(best.values)[1]]]
    rows = tf.pad(tf.gather(rows, best.indices, batch_dims=1), missing, constant_values=-1)
    scores = tf.pad(best.values, missing, constant_values=NO_CANDIDATE)
    return request, tf.ensure_shape(rows, [None, k]), tf.ensure_shape(scores, [None, k])

  def reranked(self, inputs: Tensors) -> tuple[Request, tf.Tensor, tf.Tensor]:
    """As `ranked`, in the order that `diversity` asks for."""
    *fields, rows, scores = self._reranked(spread(inputs))
    return Request(*fields), rows, scores

  def _ordered(self, inputs: Tensors) -> list[tf.Tensor]:
    """The fields of `reranked`'s answer."""
    k = self.settings["k"]
    request, rows, scores = self.ranked(inputs, max(k, rerank.MOST))
    diversity = rerank.weight(inputs["diversity"], tf.shape(rows)[0])
    rows, scores = rerank.diverse(rows, scores, diversity, self._parts()[0].features.texts)
    return [*_fields(request), rows[:, :k], scores[:, :k]]

  def recommend(self, **inputs: tf.Tensor) -> Tensors:
    """Products for this shopper, basket and query, best first."""
    _, rows, scores = self.reranked(inputs)
    return {"product_ids": self._names(rows), "scores": scores, "prices": rows_of(self.prices, rows)}

  def complete_basket(self, **inputs: tf.Tensor) -> Tensors:
    """As `recommend`, with the reason for each product, what it goes with and the number of orders that hold both."""
    request, rows, scores = self.reranked(inputs)
    ranker = self._parts()[0]
    told = reasons.reasons(rows, None, None, request, ranker.features, ranker.candidates)
    return {
      "product_ids": self._names(rows),
      "scores": scores,
      "prices": rows_of(self.prices, rows),
      "reasons": tf.gather(tf.constant(reasons.KINDS), told.kinds),
      "goes_with_ids": self._names(told.partner),
      "bought_together": told.count,
    }

  def combine(self, **inputs: tf.Tensor) -> Tensors:
    """The best sets of products beside the basket, [B, C, M], each member with its price, what it adds to the set's score and
    why it is there; all empty where none meets what was asked, and `status` says what stands in the way."""
    inputs = spread(inputs)
    request, empty = self.request(inputs)
    return self.sets.combine(request, empty, inputs)

  def rank_bundles(self, set_ids: tf.Tensor, **inputs: tf.Tensor) -> Tensors:
    """The scores of given sets, [B, C], on the scale of `combine`, and what each member adds, [B, C, M].

    A member that is not in the catalogue, lies in the basket or is excluded adds nothing and is counted in `unknown`.
    """
    inputs = spread(inputs | {"set_ids": set_ids})
    request, empty = self.request(inputs)
    return self.sets.rank_bundles(request, empty, inputs["set_ids"])

  def embed_products(self, text: tf.Tensor, category: tf.Tensor, price: tf.Tensor) -> Tensors:
    """Vectors of products by what they say of themselves, in the catalogue or not."""
    _, product_tower, text_tower = self._parts()
    parts = tf.strings.split(category, CATEGORY_SEPARATOR).to_tensor("", shape=[None, LEVELS])
    prefixes = [parts[:, 0]]
    for level in range(1, LEVELS):
      deeper = tf.strings.join([prefixes[-1], parts[:, level]], CATEGORY_SEPARATOR)
      prefixes.append(tf.where(parts[:, level] != "", deeper, ""))
    categories = 1 + self.categories.lookup(tf.stack(prefixes, axis=1))  # 0: none, or not known
    return {"vectors": product_tower.embed_new(text_tower.encode(text), categories, price)}

  def embed_queries(self, **inputs: tf.Tensor) -> Tensors:
    """Query vectors; their inner product with product vectors is the retrieval score."""
    return {"vectors": self.request(inputs)[0].user}

  def signatures(self) -> dict[str, Callable[..., Tensors]]:
    """The traced functions by signature name, with the specs that TF Serving shows."""
    s = self.settings
    strings = lambda *shape: tf.TensorSpec([None, *shape], tf.string)
    request = self._specs
    number = lambda kind=tf.float32: tf.TensorSpec([None], kind)
    trade = {name: number() for name in self.usual}
    wishes = {
      "size_min": number(tf.int32),
      "size_max": number(tf.int32),
      "budget": number(),
      "must_include_ids": strings(self.sets.search.size),
      "one_per_category": number(tf.int32),
      "allowed_categories": strings(s["categories"]),
      "in_stock_ids": strings(s["in_stock"]),
      "diversity": number(),
    }
    ready_made = {"set_ids": strings(s["ready_made"], s["ready_made_size"])}
    product = {"text": strings(), "category": strings(), "price": number()}
    empty = {name: neutral(spec) for name, spec in (request | wishes).items()}
    usual = empty | {name: tf.constant([value]) for name, value in self.usual.items()}
    of_sets = empty | {name: tf.constant([value]) for name, value in self.wishes.items()}
    recommend = with_usual(self.recommend, request | trade, usual)
    bundles = {BUNDLES: signature(self.bundles)} if self.bundles else {}
    return bundles | {
      "serving_default": recommend,
      "recommend": recommend,
      "complete_basket": with_usual(self.complete_basket, request | trade, usual),
      "combine": with_usual(self.combine, request | wishes, of_sets),
      "rank_bundles": with_usual(self.rank_bundles, ready_made | request, empty),
      "embed_products": traced(self.embed_products, product),
      "embed_queries": traced(self.embed_queries, request),
    }

  def _names(self, rows: tf.Tensor) -> tf.Tensor:
    return tf.where(rows >= 0, tf.gather(self.ids, tf.maximum(rows, 0)), "")


def specs(settings: Export) -> dict[str, tf.TensorSpec]:
  """The inputs that every request may bring, whichever signature it asks."""
  strings = lambda *shape: tf.TensorSpec([None, *shape], tf.string)
  return {
    "history_ids": strings(settings.history),
    "history_days": tf.TensorSpec([None, settings.history], tf.float32),
    "basket_ids": strings(settings.basket),
    "query": strings(),
    "context": strings(),
    "exclude_ids": strings(settings.exclude),
  }


def _fields(request: Request) -> list[tf.Tensor]:
  return [getattr(request, field.name) for field in dataclasses.fields(request)]


def _parts(
  ranker: Ranker, product_tower: ProductTower, text_tower: TextTower
) -> tuple[Ranker, ProductTower, TextTower]:
  return ranker, product_tower, text_tower
