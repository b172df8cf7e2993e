"""Shop -> which shopper took which ready-made bundles, beside what they bought: what the bundle task learns from."""

import datetime
from collections.abc import Iterable, Iterator

import polars as pl

from tfrec_combo.base.config import Config
from tfrec_combo.logs import moments
from tfrec_combo.logs.decisions import BUNDLE_CATALOGUE, TASTES
from tfrec_combo.logs.shop import Shop

OTHERS = (
  200_000  # shoppers without a bundle: what they bought tells which products are bought by the same people
)


def tastes(
  shop: Shop, lines: pl.DataFrame, catalogue: pl.DataFrame, config: Config
) -> tuple[pl.DataFrame, pl.DataFrame]:
  """`Decisions.bundles` and `Decisions.shoppers`: those who took a bundle, and a sample of the others; both empty in a shop
  without bundle events. lines: as `moments.counted` leaves them.

  What happened from the start of the test split on is left out; where there is no time nothing is, since what is asked of
  this task is the bundle that comes next, and no row says which came last. Products outside the catalogue are left out of
  bundles and histories alike.
  """
  if shop.bundle_events.is_empty():
    return pl.DataFrame(schema=BUNDLE_CATALOGUE), pl.DataFrame(schema=TASTES)
  start = start_of(moments.test_start(lines, config), shop.bundle_events, config)
  bundles = bundles_of(shop.bundles, catalogue)
  found = shoppers_of(lines, shop.bundle_events, bundles, catalogue, config, start)
  return bundles, pl.concat(sampled([found]))


def start_of(
  test_start: datetime.datetime | None, bundle_events: pl.DataFrame, config: Config
) -> datetime.datetime | None:
  """Where the test split starts for bundle events: that of the log, or without one that of their own times."""
  return moments.test_start(bundle_events, config) if test_start is None else test_start


def bundles_of(bundles: pl.DataFrame, catalogue: pl.DataFrame) -> pl.DataFrame:
  """`Decisions.bundles` of a shop's bundles."""
  held = bundles.join(_rows(catalogue), on="product_id", how="left", maintain_order="left")
  found = held.group_by("bundle_id").agg(pl.col("row").drop_nulls().unique().sort().alias("products"))
  return found.sort("bundle_id")


def shoppers_of(
  lines: pl.DataFrame,
  bundle_events: pl.DataFrame,
  bundles: pl.DataFrame,
  catalogue: pl.DataFrame,
  config: Config,
  test_start: datetime.datetime | None,
) -> pl.DataFrame:
  """`Decisions.shoppers` of all shoppers in lines and events, before any is left out. bundles: of `bundles_of`."""
  numbers = bundles.select("bundle_id", pl.int_range(pl.len(), dtype=pl.Int32).alias("bundle"))
  taken = _before(bundle_events, test_start).join(numbers, on="bundle_id", maintain_order="left")
  bought = _before(lines, test_start).join(_rows(catalogue), on="product_id", maintain_order="left")
  shoppers = _newest_first(taken, "bundle", "bundles", None)
  histories = _newest_first(bought, "row", "history", config.records.history)
  shoppers = shoppers.join(histories, on="user_id", how="full", coalesce=True)
  shoppers = shoppers.with_columns(pl.col("history", "bundles").fill_null([]))
  # By a hash: the order of the log would tell who is who to whoever knows it.
  return shoppers.sort(pl.col("user_id").hash(config.seed), "user_id").select(list(TASTES))


def sampled(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
  """The shoppers of each part, without those of the others that are too many over all parts."""
  seen = 0
  for part in parts:
    others = pl.col("bundles").list.len() == 0
    kept = part.filter(~others | (seen + others.cum_sum() <= OTHERS))
    seen += part.filter(others).height
    yield kept


def _rows(catalogue: pl.DataFrame) -> pl.DataFrame:
  return catalogue.select("product_id", pl.int_range(pl.len(), dtype=pl.Int32).alias("row"))


def _before(events: pl.DataFrame, test_start: datetime.datetime | None) -> pl.DataFrame:
  if test_start is None:
    return events
  return events.filter(pl.col("timestamp").is_null() | (pl.col("timestamp") < test_start))


def _newest_first(events: pl.DataFrame, row: str, name: str, most: int | None) -> pl.DataFrame:
  """user_id, and the distinct values of `row` of each as the list `name`."""
  ordered = events.sort("timestamp", descending=True, nulls_last=True, maintain_order=True)
  distinct = ordered.unique(["user_id", row], keep="first", maintain_order=True)
  values = pl.col(row) if most is None else pl.col(row).head(most)
  return distinct.group_by("user_id", maintain_order=True).agg(values.alias(name))
