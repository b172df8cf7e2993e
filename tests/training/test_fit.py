"""Whole trainings of both models: equal runs, resuming, and what is trained anew."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from tfrec_combo.base import files
from tfrec_combo.base.config import dump
from tfrec_combo.base.errors import ConfigError, ModelError
from tfrec_combo.base.stack import tf
from tfrec_combo.cli import stages
from tfrec_combo.training import assemble, callbacks, fit
from tfrec_combo.training.assemble import Run

ROOT = pathlib.Path(__file__).parents[2]
# Ends itself by SIGKILL after the first epoch of the ranker, between its checkpoint and its state.
_KILLED = """
import os, pathlib, signal, sys
from tfrec_combo.base import config, files
from tfrec_combo.training import callbacks, fit
write = files.write_json
def write_or_die(path, value):
  if pathlib.Path(path).parent.name == "ranker" and pathlib.Path(path).name == "state.json":
    os.kill(os.getpid(), signal.SIGKILL)
  write(path, value)
files.write_json = write_or_die
fit.train(config.load(sys.argv[1]))
"""


def numbers(folder):
  """Every number of the last checkpoint, the optimizer's too."""
  state = files.read_json(folder / "state.json")
  reader = tf.train.load_checkpoint(str(folder / state["checkpoints"][str(state["epoch"])]))
  left_out = ("_CHECKPOINTABLE_OBJECT_GRAPH", "save_counter/.ATTRIBUTES/VARIABLE_VALUE")
  return {n: reader.get_tensor(n) for n in reader.get_variable_to_shape_map() if n not in left_out}


def stamps(config):
  """When each file of the trainings was written."""
  return {p: p.stat().st_mtime_ns for f in (Run(config).towers, Run(config).ranker) for p in f.rglob("*")}


def curves(config):
  return [callbacks.history(f) for f in (Run(config).towers, Run(config).ranker)]


def test_a_training_learns(trained):
  config, _ = trained
  towers, ranker = curves(config)
  assert towers["loss"][-1] < towers["loss"][0]
  assert ranker["loss"][-1] < ranker["loss"][0]
  assert all(np.isfinite(v).all() for curve in (towers, ranker) for v in curve.values())


def test_a_broken_and_a_killed_run_end_where_an_unbroken_one_does(workshop, trained, monkeypatch):
  """Bit for bit: data, draws and sums on one CPU device follow the seed and the step alone."""
  whole, _ = trained
  config = workshop.config("broken")
  save = callbacks.HeldOut.on_epoch_end

  def break_after(self, epoch, logs=None):
    save(self, epoch, logs)
    raise KeyboardInterrupt

  with monkeypatch.context() as patched:
    patched.setattr(callbacks.HeldOut, "on_epoch_end", break_after)
    with pytest.raises(KeyboardInterrupt):
      fit.train(config)
  assert files.read_json(Run(config).towers / "state.json")["epoch"] == 1
  assert not fit.is_trained(config)
  with pytest.raises(ModelError, match="holds no finished training"):
    fit.trained(config)

  path = workshop.folder / "broken.yaml"
  path.write_text(dump(config))
  environment = os.environ | {"PYTHONPATH": str(ROOT)}
  killed = subprocess.run(
    [sys.executable, "-c", _KILLED, str(path)], capture_output=True, text=True, env=environment
  )
  assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
  assert files.read_json(Run(config).towers / "state.json")["done"]
  assert list(Run(config).ranker.glob("ckpt-1.index"))
  assert not (Run(config).ranker / "state.json").exists()

  stages.train(config)
  assert fit.is_trained(config)
  assert curves(config) == curves(whole)
  for name in ("towers", "ranker"):
    expected, found = numbers(getattr(Run(whole), name)), numbers(getattr(Run(config), name))
    assert found.keys() == expected.keys()
    assert len(found) > 20
    for key, value in expected.items():
      np.testing.assert_array_equal(found[key], value, err_msg=f"{name}: {key}")


def test_what_is_trained_is_not_trained_again(trained):
  config, _ = trained
  before = stamps(config)
  stages.train(config)
  assert stamps(config) == before


def test_live_and_reloaded_models_are_equal(trained):
  config, live = trained
  again = fit.trained(config)
  np.testing.assert_allclose(again.towers.encode_catalogue(), live.towers.encode_catalogue(), atol=1e-6)
  for one, other in zip(again.ranker.net.variables, live.ranker.net.variables):
    np.testing.assert_array_equal(one.numpy(), other.numpy())
  for name in ("rows", "together", "orders", "total", "popular"):
    one, other = getattr(again.ranker.candidates, name), getattr(live.ranker.candidates, name)
    np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_changed_setting_trains_anew_what_it_concerns(workshop, trained):
  whole, _ = trained
  shutil.copytree(whole.run_dir, workshop.runs / "changed")
  assert fit.is_trained(workshop.config("changed"))
  before = stamps(workshop.config("changed"))
  config = workshop.config("changed", ranker={"layers": [4], "epochs": 1})
  assert not fit.is_trained(config)
  with pytest.raises(ModelError, match="trained with other settings"):
    stages.export(config)
  stages.train(config)
  assert fit.is_trained(config)
  after = stamps(config)
  assert {p for p, t in before.items() if "towers" in p.parts and after.get(p) != t} == set()
  assert len(callbacks.history(Run(config).ranker)["loss"]) == 1
  with pytest.raises(ModelError, match="trained with other settings"):
    fit.trained(workshop.config("changed"))


def test_another_seed_gives_other_weights(workshop, trained):
  whole, _ = trained
  run = Run(workshop.config("seeded", seed=1, retrieval={"epochs": 1}))
  tf.keras.utils.set_random_seed(1)
  towers, _, _ = assemble.two_tower(run)
  fit.fit_towers(run, towers, tf.distribute.get_strategy(), resume=True)
  one, other = numbers(Run(whole).towers), numbers(run.towers)
  kernels = [n for n in one if "kernel" in n and one[n].any()]
  assert len(kernels) > 5
  assert not any((one[n] == other[n]).all() for n in kernels)


def test_a_loss_that_is_not_finite_stops_and_says_what_to_lower(workshop):
  config = workshop.config("hot", retrieval={"learning_rate": 1e30})
  with pytest.raises(
    ModelError, match=r"the loss is nan at step \d+ of epoch 1; lower retrieval\.learning_rate"
  ):
    fit.train(config)
  assert tf.keras.mixed_precision.global_policy().name == "float32"
  assert not fit.is_trained(config)


def test_a_batch_the_replicas_cannot_share_is_refused_before_training(workshop, monkeypatch):
  config = workshop.config("odd", retrieval={"batch": 33})
  strategy = tf.distribute.MirroredStrategy([d.name for d in tf.config.list_logical_devices("CPU")])
  with pytest.raises(ConfigError, match=r"retrieval\.batch must be divisible by the 2 replicas, got 33"):
    fit.fit_towers(Run(config), _NoModel(), strategy, True)
  assert not Run(config).towers.exists()


class _NoModel:
  """Stands where a model would; nothing of it is asked."""
