"""A log cut in parts gives, byte for byte, the records of the log cut as a whole."""

import datetime

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from tests.logs import shop_files
from tfrec_combo.base import config as c
from tfrec_combo.base import files
from tfrec_combo.base.errors import DataError
from tfrec_combo.logs import log, readers, shop, sources
from tfrec_combo.logs.sources.synthetic import synthetic
from tfrec_combo.logs.split import decide, profile
from tfrec_combo.records import builder, manifest, spill

SMALL = {"products": 80, "users": 60, "orders": 300, "days": 120}
SETTINGS = {"data": {"source": "synthetic"}, "records": {"history": 9, "shards": 3}}


def whole(found, config, folder):
  """Checksums of the records of a shop in memory, and its profile."""
  decisions = decide(found, config)
  builder.write(decisions, config, folder)
  return files.checksums(folder), profile(decisions)


def in_parts(found, config, folder, count):
  """The same of a log in `count` parts."""
  parts = log.of_shop(found, config, folder / "log", count)
  told = builder.write_log(parts, config, folder / "records")[1]
  return files.checksums(folder / "records"), told


@pytest.mark.parametrize("count", [1, 8])
def test_a_shop_with_bundles_gives_the_same_bytes(count, tmp_path, monkeypatch):
  monkeypatch.setattr(
    "tfrec_combo.logs.tastes.OTHERS", 7
  )  # fewer than there are, so that the parts must share them out
  found, config = synthetic(2, **SMALL), c.parse(SETTINGS)
  some = found.bundle_events.head(20)
  found = shop.Shop(found.products, found.events, found.bundles, some, found.intents)
  wanted = whole(found, config, tmp_path / "whole")
  assert in_parts(found, config, tmp_path, count) == wanted
  held = manifest.read_manifest(tmp_path / "records").counts
  assert held["shoppers"] == some["user_id"].n_unique() + 7
  assert (
    held["train"] + held["rank"] + held["valid"] + held["test"] == 300 + found.bundles["bundle_id"].n_unique()
  )


START = datetime.datetime(2024, 1, 1)
PRODUCTS = pl.DataFrame(
  {"product_id": [f"p{i}" for i in range(6)], "text": "", "category": "", "price": 1.0}
).cast(shop.PRODUCTS)
EVENTS = st.lists(
  st.tuples(
    st.sampled_from(["", "a", "b", "c", "d"]),
    st.sampled_from(["o1", "o2", "o3"]),  # several users may have an order of one name: each is an order
    st.sampled_from(PRODUCTS["product_id"].to_list()),
    st.none() | st.integers(0, 60),
    st.sampled_from(["purchase", "view"]),
  ),
  max_size=40,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=EVENTS, snapshot=st.sampled_from([0, 3]), most=st.sampled_from([2, 64]))
def test_any_log_gives_the_same_bytes(rows, snapshot, most, tmp_path_factory):
  folder = tmp_path_factory.mktemp("log")
  # A first shopper whose orders make sure that there is something to learn from.
  rows = [("z", "z", "p0", 0, "purchase"), ("z", "z", "p1", 0, "purchase"), *rows]
  times = [at if at is None else START + datetime.timedelta(days=at) for *_, at, _ in rows]
  frame = [(user, order, p, at, event, "") for (user, order, p, _, event), at in zip(rows, times)]
  events = pl.DataFrame(frame, schema=shop.EVENTS, orient="row").sort("timestamp", maintain_order=True)
  split = {
    "test_days": 10,
    "valid_days": 5,
    "rank_days": 5,
    "snapshot_days": snapshot,
    "test_start": "2024-02-10",
  }
  config = c.parse(SETTINGS | {"split": split, "records": {"history": 4, "basket": most}})
  found = shop.Shop(PRODUCTS, events)
  assert in_parts(found, config, folder, 4) == whole(found, config, folder / "whole")


@pytest.mark.parametrize("priced", [True, False])
def test_files_read_in_batches_give_the_same_bytes(priced, tmp_path, monkeypatch):
  """Bad rows are dropped, orders without a name are made, and prices are medians of what was paid."""
  found = synthetic(1, **SMALL)
  rng = np.random.default_rng(0)
  n = found.events.height
  odd = pl.Series(rng.random(n) < 0.3)
  lines = found.events.with_columns(
    pl.when(odd).then(None).otherwise("order_id").alias("order_id"),
    pl.Series("price", rng.integers(1, 50, n)),
    pl.Series("quantity", rng.integers(0, 4, n)),  # 0 is a fault
  )
  shared = lines.filter(pl.col("order_id").is_not_null()).head(3).with_columns(user_id=pl.lit("stranger"))
  pl.concat([lines, shared]).write_csv(tmp_path / "events.csv")
  (found.products if priced else found.products.drop("price")).write_parquet(tmp_path / "products.parquet")
  tables = {"products": "products.parquet", "events": "events.csv"}
  values = shop_files.data(tmp_path, tables, on_bad_row="drop")
  config = c.parse(SETTINGS | values)
  wanted = whole(sources.read(config, tmp_path / "a.json"), config, tmp_path / "whole")
  monkeypatch.setattr("tfrec_combo.logs.formats.ROWS", 100)
  longest = [
    max(
      len(part.frame)
      for source in readers.sources(name, getattr(config.data, name))
      for part in source.batches()
    )
    for name in tables
  ]
  assert longest == [80, 100]  # what is in memory does not grow with the file
  parts = sources.log(config, tmp_path / "log", tmp_path / "b.json", 4)
  told = builder.write_log(parts, config, tmp_path / "records")[1]
  assert (files.checksums(tmp_path / "records"), told) == wanted
  assert files.read_json(tmp_path / "a.json") == files.read_json(tmp_path / "b.json")
  assert files.read_json(tmp_path / "b.json")["tables"]["events"]["rows_dropped"] > n // 5


def test_nothing_to_learn_from_is_an_error_of_parts_too(tmp_path):
  found = synthetic(1, **SMALL)
  for data in ({"min_order": 50}, {"min_orders": 10_000}):
    config = c.parse(SETTINGS | {"data": {"source": "synthetic"} | data})
    with pytest.raises(DataError, match=r"data\.min_order"):
      in_parts(found, config, tmp_path / str(len(data)), 4)


def test_orders_of_one_hash_come_in_one_order_whichever_part_is_first(tmp_path, monkeypatch):
  monkeypatch.setattr(spill, "ORDER", ["split"])  # one hash for all orders of a split
  found, config = synthetic(1, **SMALL), c.parse(SETTINGS)
  assert in_parts(found, config, tmp_path, 4) == whole(found, config, tmp_path / "whole")


@pytest.mark.parametrize("seed", [0, 5])
def test_the_order_of_records_tells_nothing_of_time_or_split(seed, tmp_path):
  found = synthetic(seed, products=80, users=60, orders=800, days=120)
  decisions = decide(found, c.parse(SETTINGS))
  spill.put(decisions, tmp_path / "0", 1, history=9, basket=9)
  names = [
    builder.codec.decode(r, builder.schema.DECISION)["order_id"]
    for r in spill.take([tmp_path / "0"], "train", 0, 1)
  ]
  place = np.array([int(name[1:]) for name in names if name.startswith("o")])
  assert abs(np.corrcoef(np.arange(len(place)), place)[0, 1]) < 4 / len(place) ** 0.5
