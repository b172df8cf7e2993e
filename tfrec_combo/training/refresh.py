"""A trained model over a catalogue that has changed since, without training."""

import dataclasses
from collections.abc import Callable

import numpy as np
import polars as pl

from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import LEVELS, Catalogue, path_prefixes
from tfrec_combo.towers.text import TextTower
from tfrec_combo.training import assemble
from tfrec_combo.training.assemble import Run

Grow = Callable[[Run, TwoTower, TextTower, Catalogue], tuple[TwoTower, Catalogue]]


def merged(old: Catalogue, table: pl.DataFrame) -> Catalogue:
  """The catalogue of a table of products (as `logs.sources.feed` reads it), over the rows of the one that was learnt.

  Old products keep their rows, and new ones follow. Where the table says nothing of an old product's text, category or price
  they stay. A product that the table does not have, or not in stock, is known and not offered. A category that was not
  learnt falls to its nearest ancestor that was.
  """
  row_of = {product: row for row, product in enumerate(old.ids)}
  new = [product for product in table["product_id"] if product not in row_of]
  row_of |= {product: len(old) + i for i, product in enumerate(new)}
  grown = lambda values, pad: np.concatenate(
    [values, np.full([len(new), *values.shape[1:]], pad, values.dtype)]
  )
  texts, prices = [*old.texts, *([""] * len(new))], grown(old.prices, 0)
  categories, offered = grown(old.categories, 0), np.zeros(len(row_of), bool)
  number = {name: i for i, name in enumerate(old.category_names)}
  for product, text, category, price, in_stock in table.iter_rows():
    row = row_of[product]
    offered[row] = in_stock is not False
    texts[row] = texts[row] if text is None else text
    prices[row] = prices[row] if price is None else price
    if category is not None:
      known = [number.get(name, 0) for name in path_prefixes(category)]
      categories[row] = known + [0] * (LEVELS - len(known))
  return dataclasses.replace(
    old,
    ids=[*old.ids, *new],
    texts=texts,
    categories=categories,
    prices=prices,
    orders=grown(old.orders, 0),
    train_orders=grown(old.train_orders, 0),
    offered=offered,
  )


def over(table: pl.DataFrame) -> Grow:
  """What `fit.trained` takes to put the trained towers over `merged` of a table."""

  def grow(run: Run, towers: TwoTower, tower: TextTower, catalogue: Catalogue) -> tuple[TwoTower, Catalogue]:
    products = merged(catalogue, table)
    return transplanted(towers, assemble.two_tower_of(run, tower, products)), products

  return grow


def transplanted(old: TwoTower, new: TwoTower) -> TwoTower:
  """`new` with the weights of `old`; products beyond the old ones have no id embedding, and speak by their text."""
  new.user_tower.set_weights(old.user_tower.get_weights())
  one, other = old.product_tower, new.product_tower
  for name in ("text_dense", "category_embedding", "hidden", "out"):
    getattr(other, name).set_weights(getattr(one, name).get_weights())
  learnt = one.ids.numpy()
  other.ids.assign(np.pad(learnt, [[0, other.ids.shape[0] - len(learnt)], [0, 0]]))
  other.price_scale = one.price_scale  # prices of today, measured as those that were learnt from
  return new
