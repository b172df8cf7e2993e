"""The catalogue as arrays: what the product tower and the ranker know of each product."""

import dataclasses

import numpy as np
import polars as pl

from tfrec_combo.logs.shop import CATEGORY_SEPARATOR

LEVELS = 3  # depth of the category path that is told apart; deeper parts fall to their ancestor


@dataclasses.dataclass(frozen=True)
class Catalogue:
  """Row i of every array is product i.

  ids, texts: N strings. categories: [N, LEVELS] int32, rows of `category_names`, 0 where the path is shorter.
  prices: [N] float32, 0 where unknown. orders, train_orders: [N] float32, orders before the test split, and in the train split.
  offered: [N] bool, what may be answered; None: all. The others are known all the same, in histories and baskets.
  """

  ids: list[str]
  texts: list[str]
  categories: np.ndarray
  category_names: list[str]
  prices: np.ndarray
  orders: np.ndarray
  train_orders: np.ndarray
  offered: np.ndarray | None = None

  def __len__(self) -> int:
    return len(self.ids)

  @property
  def withdrawn(self) -> set[str]:
    """The products that are not offered."""
    return set() if self.offered is None else {i for i, offered in zip(self.ids, self.offered) if not offered}


def path_prefixes(path: str) -> list[str]:
  """The ancestors of a category path from the top, at most LEVELS.

  >>> path_prefixes("Grocery > Ice > Crushed")
  ['Grocery', 'Grocery > Ice', 'Grocery > Ice > Crushed']
  """
  parts = path.split(CATEGORY_SEPARATOR) if path else []
  return [CATEGORY_SEPARATOR.join(parts[: i + 1]) for i in range(min(len(parts), LEVELS))]


def spoken(name: str) -> str:
  """The last part of a category's path, as a shopper might say it.

  >>> spoken("Grocery > Frozen > ICE CREAM")
  'ice cream'
  """
  return name.split(CATEGORY_SEPARATOR)[-1].lower()


def from_frame(products: pl.DataFrame) -> Catalogue:
  """Arrays of a catalogue frame (product_id, text, category, price, orders, train_orders) in its row order."""
  paths = [path_prefixes(path) for path in products["category"]]
  names = ["", *sorted({name for path in paths for name in path})]
  number = {name: i for i, name in enumerate(names)}
  categories = np.zeros([products.height, LEVELS], np.int32)
  for row, path in enumerate(paths):
    categories[row, : len(path)] = [number[name] for name in path]
  return Catalogue(
    ids=products["product_id"].to_list(),
    texts=products["text"].to_list(),
    categories=categories,
    category_names=names,
    prices=products["price"].fill_nan(None).fill_null(0).to_numpy().astype(np.float32),
    orders=products["orders"].to_numpy().astype(np.float32),
    train_orders=products["train_orders"].to_numpy().astype(np.float32),
  )
