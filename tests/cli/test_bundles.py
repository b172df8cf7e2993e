"""The command `bundles` on the synthetic shop: its files, and its one line where something is wrong."""

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from tfrec_combo.base.errors import DataError, ModelError
from tfrec_combo.cli import main
from tfrec_combo.logs.sources import synthetic


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
  """The config of a prepared synthetic shop."""
  folder = tmp_path_factory.mktemp("bundles")
  values = {
    "name": "shop",
    "runs": str(folder / "runs"),
    "data": {"source": "synthetic"},
    "records": {"history": 4, "basket": 8, "shards": 1},
  }
  path = folder / "shop.yaml"
  path.write_text(yaml.safe_dump(values))
  assert run("prepare", path)[0] == 0
  return path


def run(command, config, *more):
  done = CliRunner(env={"COLUMNS": "200"}).invoke(
    main.app, [command, "--config", str(config), *map(str, more)]
  )
  return done.exit_code, done.stdout, done.stderr


def test_a_list_and_the_same_list_after_decisions(shop, tmp_path):
  code, out, _ = run("bundles", shop, "--count", 12)
  assert code == 0
  folder = shop.parent / "runs" / "shop" / "bundles_proposed"
  assert f"page: {folder / 'bundles.html'}" in out
  assert "12 bundles, chosen from" in out
  first = pl.read_csv(folder / "bundles.csv")
  complements = synthetic.truth(0).complements
  for ids in first["products"].str.split(","):
    assert all(b in complements[a] for a in ids for b in ids if a != b)
  # the column "products" is an entry of the files
  lines = first["products"].to_list()
  for name, line in (("accept", lines[5]), ("ban", lines[0]), ("pin", lines[11])):
    (tmp_path / name).write_text(line + "\n")
  files = [part for name in ("accept", "ban", "pin") for part in (f"--{name}", tmp_path / name)]
  code, _, _ = run("bundles", shop, "--count", 12, "--out", tmp_path / "out", *files)
  assert code == 0
  again = pl.read_csv(tmp_path / "out" / "bundles.csv")
  assert again["products"][0] == lines[5]
  assert again["status"][0] == "accepted"
  assert lines[11] in again["products"].to_list()
  assert not any(set(lines[0].split(",")) <= set(p.split(",")) for p in again["products"])


@pytest.mark.parametrize(
  ("options", "words"),
  [
    (["--size-min", 1], "--size-min and --size-max must be 2 or more and in order, got (1, 4)"),
    (["--size-min", 5], "must be 2 or more and in order"),
    (["--count", 0], "--count must be positive, got 0"),
    (["--per-product", 0], "--per-product must be positive"),
    (["--min-orders", 0], "--min-orders must be positive"),
    (["--overlap", 1.5], "--overlap must be 0 to 1, got 1.5"),
    (["--ban", "none.txt"], "--ban must name a file that can be read, got 'none.txt'"),
    (["--model", "none"], "--model must name a folder, got 'none'"),
    (["--set", "seed=5"], "run `tfrec-combo prepare` first"),
  ],
)
def test_what_is_wrong_is_told_in_one_line(shop, options, words):
  code, out, err = run("bundles", shop, *options)
  assert (code, out) == ((ModelError if "--model" in options else DataError).exit_code, "")
  assert words in err.splitlines()[-1]
  assert err.splitlines()[-1].startswith("error: ")
