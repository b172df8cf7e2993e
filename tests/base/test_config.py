import datetime
import os
import pathlib

import pydantic
import pytest

from tfrec_combo.base import config
from tfrec_combo.base.errors import ConfigError


def refused(values):
  with pytest.raises(ConfigError) as e:
    config.parse(values)
  return str(e.value)


def test_an_unknown_key_is_refused_and_the_known_ones_are_named():
  said = refused({"retrieval": {"temprature": 0.1}})
  assert "retrieval.temprature is not a setting" in said
  assert "temperature" in said.partition("use one of")[2]
  assert "retrieval" in refused({"retreival": {}}).partition("use one of")[2]


@pytest.mark.parametrize(
  ("values", "where"),
  [
    ({"seed": "many"}, "seed"),
    ({"retrieval": {"k": 0}}, "retrieval.k"),
    ({"retrieval": {"k": 2.5}}, "retrieval.k"),
    ({"text": {"tokens": 513}}, "text.tokens"),
    ({"text": {"mode": "half"}}, "text.mode"),
    ({"towers": {"id_dropout": -0.1}}, "towers.id_dropout"),
    ({"split": {"hash_share": 1}}, "split.hash_share"),
    ({"split": {"test_start": "yesterday"}}, "split.test_start"),
    ({"data": {"events": {"columns": {}}}}, "data.events.path"),
    ({"name": "../shop"}, "name"),
    ({"name": ""}, "name"),
    ({"towers": 3}, "towers"),
  ],
)
def test_a_wrong_value_is_refused_by_its_dotted_name(values, where):
  assert f"{where} does not hold" in refused(values)


def test_every_fault_is_named_at_once():
  said = refused({"seed": "x", "text": {"tokens": 1}, "nonsense": True})
  assert all(where in said for where in ("seed", "text.tokens", "nonsense"))
  assert said.count("\n") == 2, "one line a fault"


def test_a_config_does_not_change_after_it_is_made():
  made = config.Config()
  with pytest.raises(pydantic.ValidationError, match="frozen"):
    made.retrieval.k = 3


def test_what_is_dumped_loads_to_the_same_config(tmp_path):
  made = config.parse(
    {
      "name": "野营",
      "split": {"test_start": datetime.datetime(2017, 11, 1)},
      "ranker": {"layers": [8, 4]},
      "data": {
        "source": "tables",
        "products": {"path": [str(tmp_path / "p.csv")], "columns": {"text": ["name", "brand"]}},
      },
    }
    | {"name": "camping-1"}
  )
  (tmp_path / "c.yaml").write_text(config.dump(made))
  assert config.load(tmp_path / "c.yaml") == made
  assert made != config.Config(), "the round trip would prove nothing on defaults"


def test_paths_are_taken_from_the_folder_of_the_config(tmp_path, monkeypatch):
  (tmp_path / "shop").mkdir()
  text = "data: {source: tables, products: {path: p.csv}, events: {path: [../e.csv, /abs/e.csv]}}"
  (tmp_path / "shop" / "c.yaml").write_text(text)
  monkeypatch.chdir(tmp_path)
  data = config.load("shop/c.yaml").data
  assert data.products.path == (str(tmp_path / "shop" / "p.csv"),)
  assert data.events.path == (str(tmp_path / "e.csv"), "/abs/e.csv")
  assert data.bundles is None


def test_overrides_reach_any_depth_and_are_checked(tmp_path):
  (tmp_path / "c.yaml").write_text("seed: 1\nretrieval: {k: 5}\n")
  made = config.load(tmp_path / "c.yaml", {"retrieval.epochs": 2, "text.mode": "lora", "seed": 9})
  assert (made.seed, made.retrieval.k, made.retrieval.epochs, made.text.mode) == (9, 5, 2, "lora")
  with pytest.raises(ConfigError, match=r"text\.mood is not a setting"):
    config.load(tmp_path / "c.yaml", {"text.mood": "x"})


@pytest.mark.parametrize(
  ("text", "said"),
  [
    ("a: [1", "is not YAML"),
    ("- a\n- b", "must hold settings by name"),
    ("just words", "must hold settings by name"),
  ],
)
def test_a_file_that_is_no_config_is_refused(tmp_path, text, said):
  (tmp_path / "c.yaml").write_text(text)
  with pytest.raises(ConfigError, match=said):
    config.load(tmp_path / "c.yaml")


def test_an_empty_file_is_the_defaults_and_a_missing_one_is_refused(tmp_path):
  (tmp_path / "c.yaml").write_text("")
  assert config.load(tmp_path / "c.yaml") == config.Config()
  with pytest.raises(ConfigError, match="must name a file"):
    config.load(tmp_path / "none.yaml")


def test_run_dir_is_below_runs():
  made = config.parse({"name": "a", "runs": os.path.join("x", "y")})
  assert made.run_dir == pathlib.Path("x/y/a")
