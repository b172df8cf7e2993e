"""Shop -> Decisions: the catalogue, the global split by time, and histories that end before their order."""

import collections
import dataclasses
from collections.abc import Iterable, Mapping

import polars as pl

from tfrec_combo.base.config import Config
from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.logs import moments, tastes
from tfrec_combo.logs.cut import COUNTS, counts_of, cut, orders_of
from tfrec_combo.logs.decisions import SPLITS, Decisions
from tfrec_combo.logs.shop import Shop


def decide(shop: Shop, config: Config) -> Decisions:
  """Cuts the log into examples.

  An order is one example: of its distinct catalogue products a random half (rounded down) lay in the basket, the rest was
  added; which half is drawn from `config.seed` and the ids alone, so that it does not depend on the order of the rows.
  Bundles are orders without a shopper and a time, their intent is the query. An event without a time is in no history: nobody
  knows what came before it. What shoppers took of the bundles is read by `tastes`.

  Raises:
    DataError: no order is left to learn from.
  """
  counted = moments.counted(shop.events, config)
  test_start = moments.test_start(counted, config)
  lines, orders = orders_of(counted, shop.bundles, shop.intents, config, test_start)
  catalogue = catalogue_of(shop.products, counts_of(lines, config, test_start), config)
  found = cut(lines, orders, catalogue, config)
  check_learnable(sizes(found))
  bundles, shoppers = tastes.tastes(shop, counted, catalogue, config)
  return dataclasses.replace(found, bundles=bundles, shoppers=shoppers)


def check_learnable(sizes: Mapping[str, int]) -> None:
  """Raises DataError where no order of these counts by split is left to learn from."""
  if not sizes.get("train"):
    held_out = "split.test_days, split.valid_days and split.rank_days"
    way_out = f"lower data.min_order, data.min_orders, or {held_out}, or bring a longer log"
    got = f"{sum(sizes.values())} orders in all"
    raise DataError(fault("data", "must leave orders to learn from", got, way_out))


def catalogue_of(products: pl.DataFrame, counts: pl.DataFrame, config: Config) -> pl.DataFrame:
  """`Decisions.catalogue`: the products that were ordered often enough. counts: of `counts_of`.

  Raises:
    DataError: none was.
  """
  found = products.join(counts, on="product_id", how="left").with_columns(pl.col(COUNTS).fill_null(0))
  kept = found.filter(pl.col("early") >= config.data.min_orders)
  if kept.is_empty():
    way_out = "lower it; no product is in so many orders"
    raise DataError(fault("data.min_orders", "must leave products", config.data.min_orders, way_out))
  return kept.sort("product_id").select("product_id", "text", "category", "price", "orders", "train_orders")


def sizes(decisions: Decisions) -> dict[str, int]:
  """Orders by split; those of 0 are left out."""
  return dict(decisions.orders.group_by("split").len().iter_rows())


@dataclasses.dataclass(frozen=True)
class Counts:
  """What the decisions of a part of a log come to, as plain values. first, last: moments of its orders, "" where there is none;
  shoppers: those who took a bundle."""

  orders: Mapping[str, int]
  lines: int
  shoppers: int
  first: str
  last: str


def counts(decisions: Decisions) -> Counts:
  """Of these decisions."""
  times = decisions.orders["timestamp"].drop_nulls()
  first, last = (str(times.min()), str(times.max())) if len(times) else ("", "")
  took = decisions.shoppers.filter(pl.col("bundles").list.len() > 0).height
  return Counts(sizes(decisions), len(decisions.line_products), took, first, last)


def total(parts: Iterable[Counts]) -> Counts:
  """Of all parts together."""
  parts = list(parts)
  orders: collections.Counter[str] = collections.Counter()
  for part in parts:
    orders.update(part.orders)
  lines, shoppers = sum(part.lines for part in parts), sum(part.shoppers for part in parts)
  first = min((part.first for part in parts if part.first), default="")
  return Counts(orders, lines, shoppers, first, max((part.last for part in parts), default=""))


def profile(decisions: Decisions) -> dict[str, int | str]:
  """Counts for reports: products, orders by split, history lines, products never ordered before the test split."""
  return profile_of(counts(decisions), decisions.catalogue, decisions.bundles.height)


def profile_of(counts: Counts, catalogue: pl.DataFrame, bundles: int) -> dict[str, int | str]:
  """The `profile` of a log in parts, of the `total` of its counts."""
  return {
    "products": catalogue.height,
    "products never ordered": catalogue.filter(pl.col("orders") == 0).height,
    "purchase lines": counts.lines,
    **({"bundles": bundles, "shoppers with bundles": counts.shoppers} if bundles else {}),
    **{f"orders, {s}": counts.orders.get(s, 0) for s in SPLITS},
    "from": counts.first,
    "to": counts.last,
  }
