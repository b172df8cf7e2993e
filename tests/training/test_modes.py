"""Text towers in training, replicas and half precision through the config, as far as a SavedModel that answers the same."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.training.small import VECTORS, Workshop
from tfrec_combo.base.config import dump
from tfrec_combo.base.stack import tf
from tfrec_combo.cli import stages
from tfrec_combo.serving import model
from tfrec_combo.towers.text import TextTower
from tfrec_combo.training import callbacks, fit
from tfrec_combo.training.assemble import Run

ROOT = pathlib.Path(__file__).parents[2]
# Trains on two replicas, then ends itself by SIGKILL in the middle of an export.
_KILLED = """
import os, signal, sys
from tfrec_combo.base import config
from tfrec_combo.base.stack import tf
cpu, half = tf.config.list_physical_devices("CPU")[0], tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [half, half])
from tfrec_combo.cli import stages
from tfrec_combo.training import fit
from tfrec_combo.training.strategy import choose
given, seen = fit.choose, []
fit.choose = lambda training: seen.append(given(training)) or seen[-1]
settings = config.load(sys.argv[1])
stages.train(settings)
assert [s.num_replicas_in_sync for s in seen] == [2]
save = tf.saved_model.save
def save_and_die(*args, **kwargs):
  save(*args, **kwargs)
  os.kill(os.getpid(), signal.SIGKILL)
tf.saved_model.save = save_and_die
sys.path.insert(0, sys.argv[2])
from tests.training.small import signatures_only
signatures_only(setattr)
stages.export(settings)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
  """A log of 30 orders."""
  return Workshop(tmp_path_factory.mktemp("tiny"), orders=30)


def reloaded(config, monkeypatch):
  """The trained models, which an export then takes as they are; their text vectors are no longer those of the preset."""
  models = fit.trained(config)
  monkeypatch.setattr(fit, "trained", lambda _: models)
  words = tf.constant(["camping tent for kids", "camera tripod", "milk"])
  base = TextTower(config.text.model_copy(update={"mode": "frozen"})).encode(words).numpy()
  return np.abs(models.text_tower.encode(words).numpy() - base).max()


def embedded(folder, words):
  """Vectors of products by their words alone, through the SavedModel."""
  with model.load(folder) as served:
    assert tuple(served.signatures) == VECTORS
    none = np.full([len(words)], "", object)
    asked = {"text": np.array(words, object), "category": none, "price": np.zeros([len(words)], np.float32)}
    return served.predict("embed_products", asked)["vectors"]


def test_low_rank_weights_on_two_replicas_and_thirty_orders_survive_a_killed_export(tiny, quick, monkeypatch):
  config = tiny.config(
    "lora",
    text={"mode": "lora", "lora_rank": 2},
    training={"strategy": "mirrored"},
    retrieval={"learning_rate": 0.05, "epochs": 1},
    ranker={"epochs": 1},
  )
  path = tiny.folder / "lora.yaml"
  path.write_text(dump(config))
  environment = os.environ | {"PYTHONPATH": str(ROOT)}
  killed = subprocess.run(
    [sys.executable, "-c", _KILLED, str(path), str(ROOT)], capture_output=True, text=True, env=environment
  )
  assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
  base = pathlib.Path(config.export.folder) / "lora"
  assert [p.name.startswith(".1.") for p in base.iterdir()] == [True], "aside, and no version"
  assert fit.is_trained(config)
  curve = callbacks.history(Run(config).towers)
  assert np.isfinite(curve["loss"]).all()
  assert reloaded(config, monkeypatch) > 1e-3

  version = stages.export(config)
  assert version == base / "1"
  assert [p.name for p in base.iterdir()] == ["1"]
  assert np.isfinite(embedded(version, ["tent", ""])).all()


def test_a_whole_bert_in_half_precision(workshop, quick, monkeypatch):
  config = workshop.config(
    "full",
    text={"mode": "full"},
    training={"precision": "mixed_bfloat16", "tensorboard": True},
    retrieval={"learning_rate": 0.01, "epochs": 3},
    ranker={"epochs": 1},
  )
  stages.train(config)
  assert tf.keras.mixed_precision.global_policy().name == "float32"
  curve = callbacks.history(Run(config).towers)["loss"]
  assert curve[-1] < curve[0] - 0.1
  assert reloaded(config, monkeypatch) > 1e-2
  version = stages.export(config)
  assert np.isfinite(embedded(version, ["tent", ""])).all()

  for folder in (Run(config).towers, Run(config).ranker):
    logs = [p for p in (folder / "tensorboard").rglob("*") if "tfevents" in p.name]
    tags = {v.tag for p in logs for e in tf.compat.v1.train.summary_iterator(str(p)) for v in e.summary.value}
    assert {"epoch_loss", "epoch_held_out"} <= tags
