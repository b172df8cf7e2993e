"""Lines of whole orders and shoppers -> their Decisions. A part of a log is cut just as the whole is."""

import datetime

import numpy as np
import polars as pl

from tfrec_combo.base.config import Config
from tfrec_combo.base.settings import Split
from tfrec_combo.logs import moments
from tfrec_combo.logs.decisions import Decisions

ORDER = ["user_id", "order_id"]  # what names an order
COUNTS = ("early", "orders", "train_orders")


def orders_of(
  lines: pl.DataFrame,
  bundles: pl.DataFrame,
  intents: pl.DataFrame,
  config: Config,
  test_start: datetime.datetime | None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
  """Lines of orders and bundles alike, with their split; and one row an order. `lines`: as `moments.counted` leaves them."""
  lines = lines.select("order_id", "user_id", "product_id", "timestamp", "context")
  as_lines = bundles.unique(maintain_order=True).select(
    ("bundle:" + pl.col("bundle_id")).alias("order_id"),
    pl.lit("").alias("user_id"),
    "product_id",
    pl.lit(None, pl.Datetime("us")).alias("timestamp"),
    pl.lit("").alias("context"),
  )
  lines = pl.concat([lines, as_lines])
  orders = lines.group_by(ORDER, maintain_order=True).agg(
    pl.col("timestamp").min(), pl.col("context").first()
  )
  queries = intents.unique("bundle_id", keep="first").select(
    ("bundle:" + pl.col("bundle_id")).alias("order_id"),
    pl.lit("").alias("user_id"),
    pl.col("text").alias("query"),
  )
  orders = orders.join(queries, on=ORDER, how="left").with_columns(pl.col("query").fill_null(""))
  orders = orders.with_columns(_split_of(config, test_start), _as_of(config.split, test_start))
  # Lines of one moment stay in the log's order, so that two runs cut the same histories.
  splits = orders.select(*ORDER, "split")
  return lines.join(splits, on=ORDER, maintain_order="left"), orders


def _split_of(config: Config, test_start: datetime.datetime | None) -> pl.Expr:
  split = config.split
  # A hash in [0, 1) of the order id splits what has no time: test, valid, rank and train get the same orders in any run.
  share = pl.col("order_id").hash(config.seed) / 2.0**64
  tested = split.hash_share if split.test_share is None else split.test_share
  ends = {"test": tested, "valid": tested + split.hash_share, "rank": tested + 2 * split.hash_share}
  by_hash = pl.coalesce(
    *[pl.when(share < end).then(pl.lit(s)) for s, end in ends.items()],
    pl.lit("train"),
  )
  if test_start is None:
    return by_hash.alias("split")
  valid = test_start - split.valid_days * moments.DAY
  rank = valid - split.rank_days * moments.DAY
  by_time = pl.coalesce(
    *[
      pl.when(pl.col("timestamp") >= start).then(pl.lit(s))
      for s, start in (("test", test_start), ("valid", valid), ("rank", rank))
    ],
    pl.lit("train"),
  )
  return pl.when(pl.col("timestamp").is_null()).then(by_hash).otherwise(by_time).alias("split")


def _as_of(split: Split, test_start: datetime.datetime | None) -> pl.Expr:
  """The moment up to which the history of an order is known, in microseconds."""
  time = pl.col("timestamp").dt.epoch("us")
  if split.snapshot_days and test_start is not None:
    step = split.snapshot_days * 86_400_000_000
    anchor = pl.lit(test_start).cast(pl.Datetime("us")).dt.epoch("us")
    time = anchor + (time - anchor).floordiv(step) * step
  return time.fill_null(0).alias("as_of_us")


def counts_of(lines: pl.DataFrame, config: Config, test_start: datetime.datetime | None) -> pl.DataFrame:
  """product_id and COUNTS: in how many orders a product is before the cut-off of the catalogue, before the test split, and in
  the train split. `lines`: of `orders_of`."""
  until = moments.utc(config.data.catalogue_until) or test_start
  learnt = pl.col("split") != "test"
  early = (
    learnt if until is None else learnt & (pl.col("timestamp").is_null() | (pl.col("timestamp") < until))
  )
  counted = zip(COUNTS, (early, learnt, pl.col("split") == "train"))
  return lines.group_by("product_id").agg(rows.sum().cast(pl.Int64).alias(name) for name, rows in counted)


def cut(lines: pl.DataFrame, orders: pl.DataFrame, catalogue: pl.DataFrame, config: Config) -> Decisions:
  """The decisions of the orders. `lines` and `orders`: of `orders_of`; `catalogue`: as `Decisions` has it."""
  rows = catalogue.select("product_id", pl.int_range(pl.len(), dtype=pl.Int32).alias("row"))
  lines = lines.join(rows, on="product_id", maintain_order="left")
  examples = _draw(lines, config.seed, config.data.min_order, config.records.basket)
  orders = orders.join(examples, on=ORDER, how="inner").sort("timestamp", "order_id", nulls_last=True)
  known = (pl.col("user_id") != "") & pl.col("timestamp").is_not_null()
  history = lines.filter(known).sort("user_id", "timestamp", maintain_order=True)
  return _with_histories(orders, history, catalogue, config.records.history)


def _draw(lines: pl.DataFrame, seed: int, min_order: int, most: int) -> pl.DataFrame:
  """Basket and target of each order with enough products: a hash of order and product shuffles its lines."""
  drawn = (
    lines.with_columns(pl.struct("order_id", "product_id").hash(seed).alias("draw"))
    .sort(*ORDER, "draw", "product_id")
    .group_by(ORDER, maintain_order=True)
    .agg(pl.col("row").head(2 * most))
    .filter(pl.col("row").list.len() >= min_order)
  )
  half = pl.col("row").list.len() // 2
  return drawn.select(
    *ORDER,
    pl.col("row").list.head(half).alias("basket"),
    pl.col("row").list.slice(half, pl.lit(most)).alias("target"),
  )


def _with_histories(
  orders: pl.DataFrame, history: pl.DataFrame, catalogue: pl.DataFrame, most: int
) -> Decisions:
  """Finds where in its shopper's lines each history ends.

  One sorted key holds shopper and second: a line belongs to a history when its second comes before the moment the
  history is known up to, so that nothing of the order itself, or later, is ever in it.
  """
  users = history.select("user_id").unique(maintain_order=True).with_row_index("user")
  line_users = (
    history.join(users, on="user_id", how="left", maintain_order="left")["user"].to_numpy().astype(np.int64)
  )
  order_users = orders.join(users, on="user_id", how="left", maintain_order="left")["user"].fill_null(
    len(users)
  )
  times = history["timestamp"].dt.epoch("us").to_numpy()
  origin = (
    min(times.min(initial=0), orders["as_of_us"].min() or 0) // 1_000_000
  )  # below 0 in logs from before 1970
  key = (line_users << 36) + times // 1_000_000 - origin
  user = order_users.to_numpy().astype(np.int64)
  start = np.searchsorted(key, user << 36, side="left")
  as_of = orders["as_of_us"].to_numpy()
  cut = np.maximum(np.searchsorted(key, (user << 36) + as_of // 1_000_000 - origin, side="left"), start)
  return Decisions(
    catalogue=catalogue,
    orders=orders.with_columns(pl.Series("start", start), pl.Series("cut", cut)),
    line_products=history["row"].to_numpy(),
    line_times=times,
    max_history=most,
  )
