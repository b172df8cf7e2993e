"""What a request asks of sets beside being good, read from its inputs."""

import dataclasses

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import NO_CANDIDATE, Wishes
from tfrec_combo.combos.sets.feasible import SLACK
from tfrec_combo.combos.sets.pool import PREFERRED, REQUIRED
from tfrec_combo.export.vocabulary import Rows
from tfrec_combo.towers.catalogue import LEVELS, Catalogue
from tfrec_combo.towers.constants import rows_of

# Products kept for each category, and of the whole catalogue, that are candidates where the sources bring too few.
POPULAR_OF_CATEGORY, CHEAPEST = 24, 12


def fallbacks(catalogue: Catalogue) -> dict[str, np.ndarray]:
  """Of each category the products with the most orders and the cheapest ones, [categories, 36] int32, pads -1; and the cheapest
  of the catalogue, [12] int32. Category 0 is none."""
  count = len(catalogue.category_names)
  found = np.full([count, POPULAR_OF_CATEGORY + CHEAPEST], -1, np.int32)
  dear = np.where(catalogue.prices > 0, catalogue.prices, np.inf)
  by_orders = np.lexsort((np.arange(len(catalogue)), -catalogue.orders))
  by_price = np.lexsort((np.arange(len(catalogue)), -catalogue.orders, dear))
  for order, start, most in ((by_orders, 0, POPULAR_OF_CATEGORY), (by_price, POPULAR_OF_CATEGORY, CHEAPEST)):
    for level in range(LEVELS):
      category = catalogue.categories[order, level]
      first = np.argsort(category, kind="stable")
      kind, begins, number = np.unique(category[first], return_index=True, return_counts=True)
      for k, begin, n in zip(kind, begins, number):
        if k > 0:
          rows = order[first[begin : begin + min(n, most)]]
          found[k, start : start + len(rows)] = rows
  cheapest = np.full(CHEAPEST, -1, np.int32)
  cheapest[: min(CHEAPEST, len(catalogue))] = by_price[:CHEAPEST]
  return {"of_category": found, "cheapest": cheapest}


@dataclasses.dataclass(frozen=True)
class SetWishes:
  """Of each request: must [B, M] int32 rows, -1 for pads and what is not known, named [B, M] bool, where an id stood; stock
  [B, S] rows and stocked [B] bool, whether any was named; allowed [B, A] categories, 0 for none, and limited [B] bool, whether
  any was named; depth [B] int32 of the category that a set may hold once, 0 or less for no such rule; least, most [B] int32;
  budget [B] float32."""

  must: tf.Tensor
  named: tf.Tensor
  stock: tf.Tensor
  stocked: tf.Tensor
  allowed: tf.Tensor
  limited: tf.Tensor
  depth: tf.Tensor
  least: tf.Tensor
  most: tf.Tensor
  budget: tf.Tensor

  @classmethod
  def read(cls, inputs: dict[str, tf.Tensor], rows: Rows, categories: Rows) -> "SetWishes":
    """From the inputs of `combine`."""
    must, stock, allowed = (inputs[n] for n in ("must_include_ids", "in_stock_ids", "allowed_categories"))
    budget = inputs["budget"]
    return cls(
      must=rows.lookup(must),
      named=must != "",
      stock=rows.lookup(stock),
      stocked=tf.reduce_any(stock != "", 1),
      allowed=1 + categories.lookup(allowed),
      limited=tf.reduce_any(allowed != "", 1),
      depth=inputs["one_per_category"],
      least=inputs["size_min"],
      most=inputs["size_max"],
      budget=tf.where(tf.math.is_nan(budget), 0.0, budget),
    )

  def required(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Which of the candidates [B, K] must be in a set, [B, K] bool, and whether something must that is no candidate, [B] bool."""
    match = (self.must[:, :, None] == rows[:, None, :]) & (self.must >= 0)[:, :, None]
    return tf.reduce_any(match, 1), tf.reduce_any(self.named & ~tf.reduce_any(match, -1), 1)

  def candidates(
    self, paths: tf.Variable, prices: tf.Variable, fallback: tuple[tf.Variable, tf.Variable]
  ) -> Wishes:
    """What must be in is a candidate first; what is not allowed or not in stock is none; what the budget cannot pay comes
    last. Where the sources bring too little, what is in stock, allowed or cheap stands in.

    paths: [N, LEVELS] int32. prices: [N]. fallback: the tables of `fallbacks`.
    """
    of_category, cheapest = fallback
    batch = tf.shape(self.must)[0]
    in_categories = tf.where((self.allowed > 0)[..., None], tf.gather(of_category, self.allowed), -1)
    rows = [
      self.must,
      self.stock,
      tf.reshape(in_categories, [batch, -1]),
      tf.tile(cheapest[None, :], [batch, 1]),
    ]

    def worth(candidates: tf.Tensor) -> tf.Tensor:
      lies = lambda given: tf.reduce_any(
        candidates[:, :, None] == tf.where(given >= 0, given, -2)[:, None, :], axis=-1
      )
      path = rows_of(paths, candidates)
      fits = tf.reduce_any(
        (path[..., None] == self.allowed[:, None, None, :]) & (path > 0)[..., None], axis=[2, 3]
      )
      usable = (fits | ~self.limited[:, None]) & (lies(self.stock) | ~self.stocked[:, None])
      price, budget = rows_of(prices, candidates), self.budget[:, None]
      dear = (budget > 0) & ((price <= 0) | (price > budget * (1 + SLACK)))
      wish = REQUIRED * tf.cast(lies(self.must), tf.float32) - PREFERRED * tf.cast(dear, tf.float32)
      return tf.where(usable, wish, NO_CANDIDATE)

    return Wishes(tf.concat(rows, axis=1), worth)
