"""Orders with what their shopper had bought before: the examples that records writes and evaluation asks about."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

SPLITS = ("train", "rank", "valid", "test")
BUNDLE_CATALOGUE: dict[str, Any] = {"bundle_id": pl.String, "products": pl.List(pl.Int32)}
TASTES: dict[str, Any] = {"history": pl.List(pl.Int32), "bundles": pl.List(pl.Int32)}
SECONDS_A_DAY = 86400.0


@dataclasses.dataclass(frozen=True)
class Decision:
  """One order. Products are rows of the catalogue, from 0.

  history: [h] int32, products bought before, newest first; history_days: [h] float32, days from each to `as_of`.
  basket: [m] int32, what lay in the basket; target: [t] int32, what was added. Both hold each product once.
  """

  order_id: str
  user_id: str
  split: str
  history: np.ndarray
  history_days: np.ndarray
  basket: np.ndarray
  target: np.ndarray
  query: str
  context: str


@dataclasses.dataclass(frozen=True)
class Decisions:
  """All decisions of a shop, kept as flat arrays; histories are cut out on the way.

  catalogue: product_id, text, category, price, orders (before the test split) and
    train_orders (in the train split alone); row i is product i everywhere after this stage.
  bundles: ready-made bundles, their distinct products as rows of the catalogue; row i is bundle i. shoppers: one row each,
    distinct products bought and bundles taken before the test split, newest first. Both are empty without bundle events.
  lines: every purchase line as (user, timestamp) sorted arrays; orders: one row an example.
  """

  catalogue: pl.DataFrame
  orders: (
    pl.DataFrame
  )  # order_id, user_id, split, context, query, basket (list[i32]), target (list[i32]), cut, start, as_of_us
  line_products: np.ndarray  # [L] int32, by user, then by time
  line_times: np.ndarray  # [L] int64, microseconds
  max_history: int
  bundles: pl.DataFrame = dataclasses.field(default_factory=lambda: pl.DataFrame(schema=BUNDLE_CATALOGUE))
  shoppers: pl.DataFrame = dataclasses.field(default_factory=lambda: pl.DataFrame(schema=TASTES))

  def of(self, split: str) -> Iterator[Decision]:
    """The decisions of one split in order of time."""
    return self.rows(self.orders.filter(pl.col("split") == split))

  def rows(self, orders: pl.DataFrame) -> Iterator[Decision]:
    """The decisions of these rows of `orders`."""
    for row in orders.iter_rows(named=True):
      first = max(row["start"], row["cut"] - self.max_history)
      lines = slice(first, row["cut"])
      days = (row["as_of_us"] - self.line_times[lines][::-1]) / (SECONDS_A_DAY * 1e6)
      yield Decision(
        order_id=row["order_id"],
        user_id=row["user_id"],
        split=row["split"],
        history=self.line_products[lines][::-1].astype(np.int32),
        history_days=days.astype(np.float32),
        basket=np.asarray(row["basket"], np.int32),
        target=np.asarray(row["target"], np.int32),
        query=row["query"],
        context=row["context"],
      )
