"""`tfrec-combo inspect` on models of this package and of others."""

import json

import pytest
from typer.testing import CliRunner

from tests.export import bad
from tests.serving import fake_model
from tfrec_combo.base import files
from tfrec_combo.base.errors import ModelError
from tfrec_combo.cli import main
from tfrec_combo.serving.inspect import inspect


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
  return fake_model.shop(tmp_path_factory)


def test_a_model_of_another_tool_is_told_in_words(shop):
  found = inspect(shop)
  assert found.folder == str(shop / "1")
  assert found.servers["TF Serving 2.20"] == found.servers["TF Serving 2.19"] == []
  assert (found.faults, found.manifest, found.warmed_up) == ([], None, False)
  combine = found.signatures["combine"]
  assert combine["inputs"]["budget"].startswith("float32 [B]")
  assert combine["outputs"]["set_ids"] == "string [B, 2, 3]"
  held = sum(p.stat().st_size for p in (shop / "1").rglob("*") if p.is_file())
  assert found.size["all"] == held > found.size["saved_model.pb"] > 0


def test_a_default_is_told_with_its_value(tmp_path):
  tf = bad.tf
  usual = tf.constant([0.25])
  call = tf.function(
    lambda x, w=usual: {"y": x * w[:, None]},
    input_signature=[*bad.spec(None, 2).values(), tf.TensorSpec([None], tf.float32, "w")],
  )
  tf.saved_model.save(tf.Module(), str(tmp_path / "1"), signatures={"serving_default": call})
  words = inspect(tmp_path).signatures["serving_default"]["inputs"]
  assert words == {"x": "float32 [B, 2]", "w": "float32 [B], 0.25 where it is left out"}


def test_faults_and_lacking_ops_are_all_told(tmp_path):
  folder = bad.searchers(tmp_path / "1", "one")
  files.write_json(folder / "manifest.json", {"format": 2, "files": {"assets/gone": "0"}})
  found = inspect(folder, whole=True)
  assert found.servers["TF Serving 2.20 built with ScaNN"] == []
  assert "Scann>TensorsToScann" in found.servers["TF Serving 2.20"]
  assert [fault.split(" must")[0].split(" ")[0] for fault in found.faults] == ["shared_name", str(folder)]
  assert len(inspect(folder).faults) == 1


def run(*args):
  return CliRunner(env={"COLUMNS": "200"}).invoke(main.app, ["inspect", *map(str, args)])


def test_the_command_prints_words_or_json(shop, tmp_path):
  told = run(shop)
  assert told.exit_code == 0, told.stderr
  for words in ("TF Serving 2.20", "combine", "<- budget: float32 [B]", "another tool wrote it", "size: "):
    assert words in told.stdout
  assert json.loads(run(shop, "--json").stdout)["signatures"].keys() == inspect(shop).signatures.keys()
  broken = run(bad.saved(tmp_path / "1", {"serving_default": bad.total}))
  assert broken.exit_code == ModelError.exit_code
  assert "FAULT: serving_default: output y must have rank 1 or more" in broken.stdout


def test_no_model_says_so(tmp_path):
  assert run(tmp_path / "none").exit_code == ModelError.exit_code
  with pytest.raises(ModelError, match="must hold a version"):
    inspect(tmp_path)
