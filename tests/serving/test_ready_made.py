"""Bundles of a file, ranked by a model whose score of a set is the number of its products that there are."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from tests.serving import fake_model
from tfrec_combo.base.errors import DataError
from tfrec_combo.cli import main
from tfrec_combo.serving import model
from tfrec_combo.serving.ready_made import ReadyMade, read_bundles
from tfrec_combo.serving.requests import check

BUNDLES = {
  "half": ["p1", "gone"],
  "whole": ["p1", "p2"],
  "none": ["gone", "lost"],
  "one": ["p3"],
  "large": ["p1", "p2", "p3", "p4"],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
  return fake_model.shop(tmp_path_factory)


@pytest.fixture
def table(tmp_path):
  rows = [(bundle, product) for bundle, members in BUNDLES.items() for product in members]
  pl.DataFrame(rows, schema=["bundle_id", "product_id"], orient="row").write_csv(tmp_path / "bundles.csv")
  return tmp_path / "bundles.csv"


def test_bundles_by_the_mean_score_of_their_members(shop, table):
  with model.load(shop) as loaded:
    bundles = ReadyMade(loaded, read_bundles(table))
    assert bundles.too_large == ["large"]
    ranked = bundles.rank([check({}), check({"exclude": ["one"]})], 9)
  # Each member that there is scores 1, so their order is that of the file; what holds none is not answered.
  assert ranked == [["half", "whole", "one"], ["half", "whole"]]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_kind_of_table_says_the_same(table, tmp_path, suffix):
  frame = pl.read_csv(table)
  path = tmp_path / f"b{suffix}"
  {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}[suffix](path)
  assert read_bundles(path) == BUNDLES


def test_numbers_are_ids_and_a_member_counts_once(tmp_path):
  pl.DataFrame({"bundle_id": [7, 7, 7], "product_id": [1, 1, 2]}).write_parquet(tmp_path / "b.parquet")
  assert read_bundles(tmp_path / "b.parquet") == {"7": ["1", "2"]}


def test_a_wrong_table_is_told(tmp_path):
  (tmp_path / "b.csv").write_text("bundle,product_id\n1,2\n")
  with pytest.raises(DataError, match="--bundles must hold bundle_id and product_id"):
    read_bundles(tmp_path / "b.csv")
  with pytest.raises(DataError, match=r"--bundles must be \.csv"):
    read_bundles(tmp_path / "b.txt")
  with pytest.raises(DataError, match="--bundles must hold"):
    read_bundles(tmp_path / "none.csv")


def test_the_command(shop, table, tmp_path):
  queries = fake_model.write_queries(
    tmp_path / "q.jsonl", [{"query_id": "a"}, {"query_id": "b", "exclude": ["half"]}]
  )
  options = [
    "rank",
    "--model",
    str(shop),
    "--queries",
    str(queries),
    "--out",
    str(tmp_path / "r.jsonl"),
    "-k",
    "2",
  ]
  done = CliRunner().invoke(main.app, [*options, "--task", "bundles", "--bundles", str(table)])
  assert done.exit_code == 0, done.output
  assert "left out: large" in done.stderr
  rankings = [json.loads(line)["ids"] for line in (tmp_path / "r.jsonl").read_text().splitlines()]
  assert rankings == [["half", "whole"], ["whole", "one"]]
  done = CliRunner().invoke(main.app, [*options, "--bundles", str(table)])
  assert done.exit_code != 0
