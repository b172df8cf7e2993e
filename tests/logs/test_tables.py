import datetime
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs import shop_files
from tfrec_combo.base.errors import DataError
from tfrec_combo.logs import shop

FORMATS = (".csv", ".jsonl", ".parquet")

# Letters, quotes, separators and marks of other scripts; an id may hold anything but a line break.
characters = st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\n\r\x00")
ids = st.text(characters, min_size=1, max_size=8).filter(
  lambda t: t.strip() and pl.Series([t]).str.strip_chars()[0]
)
texts = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
prices = st.none() | st.floats(0, 1e6, width=32)
moments = st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2024, 1, 1))


@st.composite
def shops(draw):
  """Products, events and bundles of one small shop as a user might write them down."""
  names = draw(st.lists(ids, min_size=1, max_size=4, unique=True))
  some = st.sampled_from(names)
  rows = st.lists(
    st.tuples(ids, ids, some, moments, st.sampled_from(["view", "purchase"]), texts), min_size=1, max_size=5
  )
  products = [(name, draw(texts), draw(texts), draw(prices)) for name in names]
  schemas = {
    "products": {"product_id": pl.String, "title": pl.String, "text2": pl.String, "price": pl.Float32},
    "events": shop.EVENTS,
    "bundles": shop.BUNDLES,
  }
  events = draw(rows)
  users = {o: u for u, o, *_ in events}  # an order is of one user
  events = [(users[o], o, *rest) for _, o, *rest in events]
  bundles = draw(st.lists(st.tuples(ids, some), min_size=1, max_size=4))
  rows = {"products": products, "events": events, "bundles": bundles}
  return {name: pl.DataFrame(rows[name], schema=schemas[name], orient="row") for name in rows}


def stripped(value):
  return pl.Series([value or ""], dtype=pl.String).str.strip_chars()[0]


@given(tables=shops())
@settings(max_examples=60)
def test_any_shop_reads_the_same_from_every_format(tables, tmp_path_factory):
  folder = tmp_path_factory.mktemp("shop")
  read = []
  for suffix in FORMATS:
    for name, frame in tables.items():
      shop_files.write(frame, folder / f"{name}{suffix}")
    names = {name: {"path": f"{name}{suffix}"} for name in tables}
    names["products"]["columns"] = {"text": ["title", "text2"]}
    read.append(shop_files.read(folder, names))
  products, events = tables["products"], tables["events"].sort("timestamp", maintain_order=True)
  texts = [" ".join(filter(None, map(stripped, row))) for row in products.select("title", "text2").rows()]
  for found in read:
    assert found.products["product_id"].to_list() == products["product_id"].to_list()
    assert found.products["text"].to_list() == texts
    assert found.products["price"].to_list() == products["price"].to_list()
    assert found.events.drop("context").equals(events.drop("context"))
    assert found.events["context"].to_list() == [c or "" for c in events["context"]]
    assert found.bundles.equals(tables["bundles"].unique(maintain_order=True))


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_columns_of_the_user_become_those_of_the_contract(suffix, tmp_path):
  products = pl.DataFrame(
    {
      "sku": [7, 8],
      "name": ["tent", "lamp"],
      "brand": [None, "Nordal"],
      "top": ["A", "B"],
      "sub": ["a", None],
    }
  )
  lines = pl.DataFrame({"who": [1, 1], "sku": [8, 7], "at": [1706702400, 1706702300], "basket": [5, 5]})
  shop_files.write(products, tmp_path / f"products{suffix}")
  shop_files.write(lines, tmp_path / f"lines{suffix}")
  product_columns = {"product_id": "sku", "text": ["brand", "name"], "category": ["top", "sub"]}
  event_columns = {"user_id": "who", "product_id": "sku", "timestamp": "at", "order_id": "basket"}
  found = shop_files.read(
    tmp_path,
    {
      "products": {"path": f"products{suffix}", "columns": product_columns},
      "events": {"path": f"lines{suffix}", "columns": event_columns},
    },
  )
  assert found.products.rows() == [("7", "tent", "A > a", None), ("8", "Nordal lamp", "B", None)]
  assert found.events.select("user_id", "order_id", "product_id", "event", "context").rows() == [
    ("1", "5", "7", "purchase", ""),
    ("1", "5", "8", "purchase", ""),
  ]


def test_ids_of_any_type_become_the_same_string(tmp_path):
  pl.DataFrame({"product_id": [12, 13]}).write_parquet(tmp_path / "products.parquet")
  events = pl.DataFrame({"user_id": [1.0, 2.5], "product_id": [12.0, 13.0], "timestamp": [1, 2]})
  events.write_parquet(tmp_path / "events.parquet")
  found = shop_files.read(tmp_path, {"products": "products.parquet", "events": "events.parquet"})
  assert found.events.select("user_id", "product_id").rows() == [("1", "12"), ("2.5", "13")]


def test_files_of_products_are_joined_and_files_of_events_are_stacked(tmp_path):
  files = {
    "a.csv": "product_id,title\np1,tent\np2,lamp\n",
    "b.csv": "product_id,price,title\np2,3,other\np9,1,x\n",
  }
  files |= {"e1.csv": "user_id,product_id,timestamp\nu1,p1,2024-01-02\n"}
  files |= {"e2.csv": "user_id,product_id,timestamp,event\nu2,p2,2024-01-01,view\n"}
  for name, text in files.items():
    (tmp_path / name).write_text(text)
  found = shop_files.read(
    tmp_path, {"products": {"path": ["a.csv", "b.csv"]}, "events": {"path": ["e1.csv", "e2.csv"]}}
  )
  assert found.products.rows() == [("p1", "tent", "", None), ("p2", "lamp", "", 3.0)]
  assert found.events.select("user_id", "event").rows() == [("u2", "view"), ("u1", "purchase")]


def test_without_order_ids_a_users_day_is_an_order(tmp_path):
  lines = ("u1,p1,2024-01-01T09:00", "u1,p2,2024-01-01T21:00", "u2,p1,2024-01-01", "u1,p3,2024-01-02")
  events = "\n".join(["user_id,product_id,timestamp", *lines])
  found = shop_files.read(
    tmp_path, shop_files.written(tmp_path, products=shop_files.PRODUCTS, events=events)
  ).events
  orders = dict(
    found.select("order_id", "product_id").group_by("order_id").agg(pl.col("product_id").sort()).rows()
  )
  assert sorted(orders.values()) == [["p1"], ["p1", "p2"], ["p3"]]


def test_prices_are_what_was_paid_for_one_piece_where_products_have_none(tmp_path):
  events = (
    "user_id,product_id,timestamp,price,quantity\n"
    "u1,p1,2024-01-01,6,2\nu1,p1,2024-01-02,5,1\nu1,p1,2024-01-03,40,10\nu1,p2,2024-01-01,0,1\n"
  )  # one p1: 3, 5 and 4
  files = shop_files.written(tmp_path, products="product_id\np1\np2\np3\n", events=events)
  split = {"test_start": datetime.datetime(2024, 2, 1)}
  found = shop_files.read(tmp_path, files, split=split)
  assert found.products["price"].to_list() == [4.0, None, None]


@pytest.mark.parametrize(
  "split", [{"test_days": 10}, {"test_start": "2024-03-21"}, {"test_start": "2024-03-21T01:00:00+01:00"}]
)
def test_prices_are_those_from_before_the_test_split(split, tmp_path):
  events = (
    "user_id,order_id,product_id,timestamp,event,price\n"
    "u1,o1,p1,2024-03-01,purchase,2\nu1,o2,p1,2024-03-20T23:59:59,view,4\n"
    "u1,o3,p1,2024-03-21,purchase,9\nu1,o4,p1,2024-03-22,purchase,9\nu1,o5,p1,2024-03-23,purchase,9\n"
    "u1,o6,p2,2024-03-31,purchase,5\n"
    "u1,o6,p2,2024-04-20,purchase,5\nu1,o7,p2,2024-04-30,view,5\n"  # neither a repeat nor a view ends the log
  )
  files = shop_files.written(tmp_path, products="product_id\np1\np2\n", events=events)
  found = shop_files.read(tmp_path, files, split=split)
  assert found.products["price"].to_list() == [3.0, None]


def test_bundles_alone_make_a_shop(tmp_path):
  files = shop_files.written(
    tmp_path,
    products=shop_files.PRODUCTS,
    bundles=shop_files.BUNDLES + "b1,p1\n",
    intents=shop_files.INTENTS + "b1,more\n",
  )
  found = shop_files.read(tmp_path, files)
  assert found.events.schema == shop.EVENTS
  assert found.events.is_empty()
  assert found.bundles.rows() == [("b1", "p1"), ("b1", "p2")]
  assert found.intents.rows() == [("b1", "a weekend outside")]


def test_dropping_keeps_the_good_rows_and_writes_down_the_rest(tmp_path):
  products = shop_files.PRODUCTS + "p2,again,,1\np4,mat,,-1\n"
  events = shop_files.EVENTS + "u3,o3,p4,2024-01-01,view\nu3,o3,p1,never,view\n"
  files = shop_files.written(tmp_path, products=products, events=events)
  summary = tmp_path / "out" / "dropped.json"
  found = shop_files.read(tmp_path, files, summary, on_bad_row="drop")
  assert found.products.select("product_id", "text").rows() == [
    ("p1", "tent"),
    ("p2", "stove"),
    ("p3", "lamp"),
  ]
  assert found.events["user_id"].to_list() == ["u2", "u1", "u1"]
  told = json.loads(summary.read_text())
  assert told["faults"] == 4
  rows = {
    name: (table["rows_read"], table["rows_kept"], table["rows_dropped"])
    for name, table in told["tables"].items()
  }
  assert rows == {"products": (5, 3, 2), "events": (5, 3, 2)}
  by_column = {(name, f["column"]): f for name, table in told["tables"].items() for f in table["faults"]}
  assert by_column["products", "price"]["examples"][0] | {"file": ""} == {
    "file": "",
    "line": 6,
    "value": "-1",
  }
  # p4 went with its price, so the event that names it goes too
  assert by_column["events", "product_id"]["examples"][0]["value"] == "p4"
  assert by_column["events", "timestamp"]["count"] == 1


def test_a_clean_shop_leaves_a_summary_without_faults_and_fail_writes_none(tmp_path):
  files = shop_files.written(tmp_path, products=shop_files.PRODUCTS, events=shop_files.EVENTS)
  shop_files.read(tmp_path, files, tmp_path / "fail.json")
  assert not (tmp_path / "fail.json").exists()
  shop_files.read(tmp_path, files, tmp_path / "drop.json", on_bad_row="drop")
  assert json.loads((tmp_path / "drop.json").read_text())["faults"] == 0


def test_dropping_everything_is_an_error_that_shows_why(tmp_path):
  events = "user_id,product_id,timestamp\nu1,p9,2024-01-01\n"
  files = shop_files.written(tmp_path, products=shop_files.PRODUCTS, events=events)
  with pytest.raises(DataError, match=r"data.events: no row is left(.|\n)*'p9'"):
    shop_files.read(tmp_path, files, on_bad_row="drop")
