import json
import shutil

import pytest
from typer.testing import CliRunner

from tests.serving import fake_model
from tfrec_combo.base.errors import DataError
from tfrec_combo.cli import main


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
  return fake_model.shop(tmp_path_factory)


def run(folder, *options):
  done = CliRunner(env={"COLUMNS": "110"}).invoke(main.app, ["recommend", "--model", str(folder), *options])
  return done.exit_code, done.stdout, done.stderr


def cells(out):
  """A printed table's rows without its frame."""
  rows = [line.strip("│").split("│") for line in out.splitlines() if line.startswith("│")]
  return [[cell.strip() for cell in row] for row in rows]


def test_a_table_of_the_best(shop):
  code, out, err = run(shop, "--history", "p9:1,p4", "--query", "P7", "--exclude", "p0", "-k", "4")
  assert (code, err) == (0, "")
  assert cells(out) == [
    ["1", "p7", "Product 7", "8.00", "1002.000"],
    ["2", "p4", "Product 4", "5.00", "105.000"],
    ["3", "p9", "Product 9", "", "50.000"],  # its price is not known
    ["4", "p1", "Product 1", "2.00", "8.000"],
  ]


def test_a_basket_tells_what_each_goes_with(shop):
  code, out, _ = run(shop, "--basket", "p3,p1", "-k", "2")
  assert code == 0
  assert cells(out) == [
    ["1", "p0", "Product 0", "1.00", "9.000", "goes with Product 3", "7"],
    ["2", "p2", "Product 2", "3.00", "7.000", "goes with Product 3", "7"],
  ]


def test_sets_with_their_totals(shop):
  code, out, _ = run(shop, "--combine", "--size", "2", "--budget", "10")
  assert code == 0
  assert cells(out) == [
    ["1", "p0", "Product 0", "1.00", "9.000", "popular", ""],
    ["", "p1", "Product 1", "2.00", "8.000", "popular", ""],
    ["", "", "total", "3.00", "17.000", "", ""],
    ["2", "p3", "Product 3", "4.00", "6.000", "popular", ""],
    ["", "p4", "Product 4", "5.00", "5.000", "popular", ""],
    ["", "", "total", "9.00", "11.000", "", ""],
  ]


def test_a_total_says_when_a_price_is_missing(shop):
  _, out, _ = run(shop, "--combine", "--size", "1", "--query", "p9")
  assert cells(out)[:2] == [
    ["1", "p9", "Product 9", "", "1000.000", "popular", ""],
    ["", "", "total of the known prices", "0.00", "1000.000", "", ""],
  ]


def test_no_set_fits(shop):
  code, out, _ = run(shop, "--combine", "--budget", "0.5")
  assert code == 0
  assert out.startswith("no set fits the budget")


def test_json_for_machines(shop):
  code, out, _ = run(shop, "--basket", "p3", "--query", "p9", "-k", "1", "--json")
  assert code == 0
  assert json.loads(out) == {
    "signature": "complete_basket",
    "unknown": [],
    "products": [
      {
        "rank": 1,
        "product_id": "p9",
        "text": "Product 9",
        "price": None,
        "score": 1000.0,
        "reason": None,
        "goes_with": "p3",
        "bought_together": 7,
      }
    ],
  }
  code, out, _ = run(shop, "--combine", "--size", "2", "--budget", "5", "--json")
  assert json.loads(out) == {
    "signature": "combine",
    "unknown": [],
    "status": "ok",
    "sets": [
      {
        "total": 3.0,
        "score": 17.0,
        "members": [
          {
            "text": f"Product {i}",
            "product_id": f"p{i}",
            "score": 9.0 - i,
            "price": 1.0 + i,
            "reason": "popular",
            "goes_with": None,
            "bought_together": None,
          }
          for i in (0, 1)
        ],
      }
    ],
  }


def test_unknown_ids_are_told_in_one_line_and_ignored(shop):
  ids = ["--history", "p1:3,sku:x", "--basket", "p2", "--basket", "17", "--exclude", "18,17"]
  code, out, err = run(shop, *ids, "-k", "1", "--json")
  assert code == 0
  assert err == "not in the catalogue, so ignored: sku:x, 17, 18\n"
  found = json.loads(out)
  assert found["unknown"] == ["sku:x", "17", "18"]
  assert found["products"][0]["product_id"] == "p1"


def test_a_model_without_its_product_table_goes_without_names(shop, tmp_path):
  folder = shutil.copytree(shop / "1", tmp_path / "1")
  shutil.rmtree(folder / "assets.extra")
  code, out, err = run(folder, "--basket", "p2,none", "-k", "1")
  assert (code, err) == (0, "")
  assert cells(out) == [["1", "p0", "1.00", "9.000", "goes with p2", "7"]]


def test_square_brackets_in_a_text_are_no_markup(shop, tmp_path):
  import polars as pl

  folder = shutil.copytree(shop / "1", tmp_path / "1")
  table = folder / "assets.extra" / "products.parquet"
  pl.read_parquet(table).with_columns(text=pl.lit("tea [bold] 2x[/] [red")).write_parquet(table)
  _, out, _ = run(folder, "-k", "1")
  assert cells(out) == [["1", "p0", "tea [bold] 2x[/] [red", "1.00", "9.000"]]


def test_everything_excluded_beyond_what_the_model_takes(shop):
  code, out, _ = run(shop, "--exclude", ",".join(fake_model.IDS), "-k", "6")
  assert code == 0
  assert out.startswith("no product is left")


@pytest.mark.parametrize(
  ("options", "words"),
  [
    (["-k", "7"], "-k must be 1 to 6, what this model answers, got 7"),
    (["--combine", "--size", "4"], "size must be at most 3, the largest set this model makes, got 4"),
    (["--combine", "--budget", "-1"], "budget breaks a rule (input should be greater than 0), got -1.0"),
    (["--budget", "3", "-k", "1"], "add --combine, or leave them out"),
    (["--history", "p1:-3", "-k", "1"], "history.0.days_ago breaks a rule"),
  ],
)
def test_a_fault_is_one_line(shop, options, words):
  code, out, err = run(shop, *options)
  assert (code, out) == (DataError.exit_code, "")
  assert err.startswith("error: ")
  assert words in err
  assert err.count("\n") == 1
