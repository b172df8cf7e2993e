"""Bundles proposed with the served model beside the log."""

import polars as pl
from typer.testing import CliRunner

from tests.line import shop
from tfrec_combo.cli import main


def test_the_served_model_proposes_complements(line, tmp_path):
  options = ["--model", str(line.version), "--seeds", "20", "--size-min", "3", "--size-max", "3"]
  command = ["bundles", "--config", str(line.file), "--out", str(tmp_path), *options]
  done = CliRunner().invoke(main.app, command)
  assert done.exit_code == 0, done.output
  table = pl.read_parquet(tmp_path / "bundles.parquet")
  assert set(table["size"]) == {3}
  proposed = table.filter(pl.col("source").str.contains("model"))
  assert len(proposed)
  assert proposed["model_score"].null_count() == 0
  substitutes = shop.truth().substitutes
  for ids in proposed["products"].str.split(","):
    assert not any(b in substitutes[a] for a in ids for b in ids)
