import polars as pl
import pytest

from tests.serving.window import shop
from tfrec_combo.base.errors import ModelError
from tfrec_combo.serving import shelf

IDS = ["10", "11", "100", "a", "b"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  path = tmp_path_factory.mktemp("version")
  (path / "assets.extra").mkdir()
  table = {
    "product_id": IDS,
    "text": ["Green Tea", "Tea, green (large)", "Tea 10 bags", None, "Ärmel.*"],
    "category": ["Drinks > Tea", "Drinks > Tea", "Drinks > Tea > Bags", None, "Clothes"],
    "price": [1.0, None, 0.0, 2.5, float("nan")],
  }
  pl.DataFrame(table).write_parquet(path / "assets.extra" / "products.parquet")
  return path


@pytest.mark.parametrize(
  ("words", "found"),
  [
    ("green tea", ["10", "11"]),  # the one that begins with the words first
    ("TEA", ["100", "11", "10"]),
    ("drinks bags", ["100"]),
    ("ärmel.*", ["b"]),  # no pattern
    ("10", ["10"]),  # an id alone means that product
    ("11 A", ["a", "11"]),
    ("10 bags", ["100"]),
    ("nothing", []),
    ("", ["a", "b", "10", "100", "11"]),
  ],
)
def test_a_search_holds_every_word(folder, words, found):
  products, total = shelf.search(folder, words, 10)
  assert [p["product_id"] for p in products] == found
  assert total == len(found)


def test_a_search_is_cut_and_says_how_many_there_are(folder):
  products, total = shelf.search(folder, "tea", 1)
  assert (len(products), total) == (1, 3)


def test_products_come_by_id_and_unknown_prices_are_none(folder):
  found = {p["product_id"]: p for p in shelf.by_id(folder, ["a", "11", "100", "b", "a", "none"])}
  assert found.keys() == {"a", "11", "100", "b"}
  assert found["a"] == {"product_id": "a", "text": "", "category": "", "price": 2.5}
  assert found["11"]["price"] is found["100"]["price"] is found["b"]["price"] is None


def test_categories_are_every_path_and_those_above_it(folder):
  assert shelf.categories(folder, "", 10) == [
    {"category": "Drinks", "products": 3},
    {"category": "Drinks > Tea", "products": 3},
    {"category": "Clothes", "products": 1},
    {"category": "Drinks > Tea > Bags", "products": 1},
  ]
  assert [c["category"] for c in shelf.categories(folder, "tea BAGS", 10)] == ["Drinks > Tea > Bags"]


def test_shoppers_are_the_golden_requests_with_a_history(tmp_path):
  shop.write_golden(tmp_path / "assets.extra")
  assert shelf.shoppers(tmp_path) == [{"history_ids": ["p7", "p5"], "history_days": [2.5, 9.0]}]


def test_a_version_without_golden_requests_brings_no_shopper(folder):
  assert shelf.shoppers(folder) == []


def test_a_version_without_its_table_is_told_so(tmp_path):
  with pytest.raises(ModelError, match=r"has no assets\.extra/products\.parquet; export the model again"):
    shelf.search(tmp_path, "tea", 1)
