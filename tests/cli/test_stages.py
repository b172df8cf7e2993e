"""Each command out of turn or with a wrong setting: its exit code and its one line."""

import pathlib

import pytest
import yaml
from typer.testing import CliRunner

from tfrec_combo.base.errors import ConfigError, DataError, ModelError
from tfrec_combo.cli import main
from tfrec_combo.cli.options import read_config

COMMANDS = ("prepare", "train", "evaluate", "export", "quickstart")


@pytest.fixture
def shop(tmp_path):
  """A config of the synthetic shop, of which nothing is done yet."""
  values = {
    "name": "shop",
    "runs": str(tmp_path / "runs"),
    "data": {"source": "synthetic"},
    "records": {"history": 4, "basket": 8, "shards": 1},
    "export": {"folder": str(tmp_path / "saved")},
  }
  path = tmp_path / "shop.yaml"
  path.write_text(yaml.safe_dump(values))
  return path


def run(command, config, *more):
  done = CliRunner(env={"COLUMNS": "200"}).invoke(main.app, [command, "--config", str(config), *more])
  return done.exit_code, done.stdout, done.stderr


def fails(command, config, *more, as_=ConfigError):
  """Its one line, without the bars that go to stderr before it; it leaves with the code of the error."""
  code, out, err = run(command, config, *more)
  assert (code, out) == (as_.exit_code, "")
  lines = err.rstrip("\n").split("\n")
  assert [line for line in lines if line.startswith("error: ")] == lines[-1:], err
  return lines[-1]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_config(command):
  line = fails(command, "nonesuch")
  assert "--config must name a YAML file, got 'nonesuch'; or use one of: " in line
  assert "quickstart" in line
  assert "must name a file, got 'nonesuch.yaml'" in fails(command, "nonesuch.yaml")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_setting(command, shop):
  line = fails(command, shop, "--set", "retrieval.epoch=2")
  assert "retrieval.epoch is not a setting, got 2; remove it or use one of: " in line
  assert "epochs" in line


@pytest.mark.parametrize(
  ("given", "words"),
  [
    (
      "retrieval.epochs",
      "--set must be KEY=VALUE, got 'retrieval.epochs'; write it as --set retrieval.epochs=2",
    ),
    ("=3", "--set must be KEY=VALUE"),
    ("name=[", "--set must have a YAML value"),
    ("split.test_start=2024-13-45", "--set must have a YAML value, got 'split.test_start=2024-13-45'"),
    ("name.first=2", "name does not hold: Input should be a valid string"),
    ("retrieval.epochs=0", "retrieval.epochs does not hold: Input should be greater than 0, got 0"),
    ("retrieval.epochs=many", "retrieval.epochs does not hold"),
    ("retrieval.=3", "is not a setting"),
    ("seed.x=2", "seed"),
    ("name=../up", "name does not hold"),
    ("text.mode=frozzen", "'frozen', 'lora' or 'full'"),
  ],
)
def test_a_wrong_override_is_told_in_one_line(shop, given, words):
  assert words in fails("prepare", shop, "--set", given)


def test_overrides_are_yaml_and_the_last_one_counts(shop):
  config = read_config(
    str(shop),
    [
      "retrieval.epochs=2",
      "retrieval.epochs=3",
      "ranker.layers=[8, 4]",
      "text.preset=a=b",
      "split.test_start=2024-12-01",
      "training.tensorboard=false",
      "data.products.path=p.csv",
    ],
  )
  assert config.retrieval.epochs == 3
  assert config.ranker.layers == (8, 4)
  assert config.text.preset == "a=b"
  assert (config.split.test_start.month, config.training.tensorboard) == (12, False)
  assert pathlib.Path(config.data.products.path[0]) == shop.parent / "p.csv", (
    "paths are taken from the file's folder"
  )


def test_a_section_left_empty_in_the_file_takes_overrides(shop):
  shop.write_text(shop.read_text() + "retrieval:\n")
  assert read_config(str(shop), ["retrieval.epochs=2"]).retrieval.epochs == 2


def test_a_folder_beside_does_not_hide_a_config_that_comes_along(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "quickstart").mkdir()
  assert read_config("quickstart").data.source == "complete_journey"


def test_commands_out_of_turn_say_which_comes_first(shop):
  for command in ("train", "export"):
    assert fails(command, shop, as_=DataError).endswith("run `tfrec-combo prepare` to write it again")
  assert "tfrec-combo export" in fails("evaluate", shop, as_=ModelError)
  code, out, _ = run("prepare", shop)
  assert (code, out.splitlines()[0]) == (0, "products: 120")
  assert fails("export", shop, as_=ModelError).endswith(
    "holds no finished training; run `tfrec-combo train` first"
  )
  assert "--model must name a folder" in fails("evaluate", shop, as_=ModelError)
  assert "run `tfrec-combo prepare` first" in fails(
    "train", shop, "--set", "records.history=5", as_=DataError
  )
  assert "run `tfrec-combo prepare` first" in fails("export", shop, "--set", "seed=5", as_=DataError)


def test_preparing_again_does_nothing(shop):
  assert run("prepare", shop)[0] == 0
  records = shop.parent / "runs" / "shop" / "records"
  stamps = {p: p.stat().st_mtime_ns for p in records.rglob("*")}
  code, out, err = run("prepare", shop)
  assert code == 0
  assert "products: 120" in out
  assert "is up to date" in err
  assert {p: p.stat().st_mtime_ns for p in records.rglob("*")} == stamps
  assert run("prepare", shop, "--fresh")[0] == 0
  assert {p: p.stat().st_mtime_ns for p in records.rglob("*")} != stamps
