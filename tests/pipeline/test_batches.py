import itertools
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.records import small
from tfrec_combo.base.config import parse
from tfrec_combo.base.errors import DataError
from tfrec_combo.base.stack import tf
from tfrec_combo.pipeline import batches as module
from tfrec_combo.pipeline import files
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.records import builder

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = parse({"data": {"source": "synthetic"}, "records": {"history": 12, "basket": 6, "shards": 4}})
SIZES = {"train": 50, "valid": 7}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("shop") / "records"
  builder.write(small.decisions(SIZES), CONFIG, folder)
  return folder


def _take(dataset, n=None):
  return list(itertools.islice(dataset.as_numpy_iterator(), n))


def _keys(batch):
  """One key an order that a redraw leaves alone: its history and what it holds."""
  orders = np.sort(np.concatenate([batch["basket"], batch["target"]], 1))
  return [tuple(row) for row in np.concatenate([batch["history"], orders], 1).tolist()]


def _epochs(folder, epochs, **options):
  """The orders of each epoch of training, in order."""
  options = {"batch": 8, "training": True, "drop_remainder": False} | options
  steps = files.steps(folder, "train", batch=options["batch"], drop_remainder=options["drop_remainder"])
  taken = _take(batches(folder, "train", CONFIG, **options), epochs * steps)
  return [taken[i * steps : (i + 1) * steps] for i in range(epochs)]


def _flat(epoch):
  return [key for batch in epoch for key in _keys(batch)]


def _equal(left, right):
  pairs = zip(left, right, strict=True)
  return all(np.array_equal(one[name], two[name]) for one, two in pairs for name in one)


def _expected(split):
  # M holds the largest order of this shop, so nothing of an order is cut.
  keys = []
  for decision in small.decisions(SIZES).of(split):
    order = np.sort(np.concatenate([decision.basket, decision.target]))
    history = decision.history[:12]
    keys.append((*history, *[-1] * (12 - len(history)), *[-1] * (12 - len(order)), *order))
  return sorted(tuple(int(value) for value in key) for key in keys)


def test_one_pass_in_stored_order(folder):
  dataset = batches(folder, "valid", CONFIG, batch=3, training=False)
  assert dataset.cardinality().numpy() == 3
  taken = _take(dataset)
  assert [len(batch["query"]) for batch in taken] == [3, 3, 1]
  assert sorted(_flat(taken)) == _expected("valid")
  assert _equal(taken, _take(batches(folder, "valid", CONFIG, batch=3, training=False, seed=9)))


def test_shapes_and_types_are_fixed(folder):
  spec = batches(folder, "train", CONFIG, batch=8, training=True).element_spec
  assert {name: (s.shape.as_list(), s.dtype.name) for name, s in spec.items()} == {
    "history": ([8, 12], "int32"),
    "history_days": ([8, 12], "float32"),
    "basket": ([8, 6], "int32"),
    "target": ([8, 6], "int32"),
    "query": ([8], "string"),
    "context": ([8], "string"),
  }
  spec = batches(folder, "train", CONFIG, batch=8, training=False, history=5, basket=20).element_spec
  assert spec["history"].shape.as_list() == [None, 5]
  assert spec["target"].shape.as_list() == [None, 20]


def test_no_line_of_a_history_lies_after_its_order(folder):
  for batch in _take(batches(folder, "train", CONFIG, batch=50, training=False)):
    held = batch["history"] >= 0
    assert held.any()
    assert np.all(batch["history_days"][held] >= 1)  # the newest line of this shop is a day before any order
    assert np.all(batch["history_days"][~held] == 0)
    assert np.all(np.diff(batch["history_days"], axis=1)[held[:, 1:]] >= 0)


@pytest.mark.parametrize("resplit", [False, True])
def test_epochs_hold_each_order_once_differ_and_repeat_by_seed(folder, resplit):
  epochs = _epochs(folder, 3, seed=5, resplit=resplit)
  for epoch in epochs:
    assert sorted(_flat(epoch)) == _expected("train")
  orders = [_flat(epoch) for epoch in epochs]
  assert orders[0] != orders[1] != orders[2] != orders[0]
  again = _epochs(folder, 3, seed=5, resplit=resplit)
  assert all(_equal(*pair) for pair in zip(epochs, again, strict=True))
  assert _flat(_epochs(folder, 1, seed=6)[0]) != orders[0]
  # A resumed run goes on as the unbroken one would have.
  resumed = _epochs(folder, 2, seed=5, resplit=resplit, first_epoch=1)
  assert all(_equal(*pair) for pair in zip(epochs[1:], resumed, strict=True))


def test_the_global_seed_is_of_no_account(folder):
  tf.random.set_seed(0)
  first = _epochs(folder, 1, resplit=True)[0]
  tf.random.set_seed(1)
  assert _equal(first, _epochs(folder, 1, resplit=True)[0])


def test_windows_smaller_than_the_split_lose_nothing(folder, monkeypatch):
  monkeypatch.setattr(module, "SHUFFLE", 9)
  first, second = _epochs(folder, 2)
  assert sorted(_flat(first)) == sorted(_flat(second)) == _expected("train")
  assert _flat(first) != _flat(second)


def test_a_redraw_moves_products_between_the_parts(folder):
  stored = {key: row for batch in _epochs(folder, 1)[0] for key, row in zip(_keys(batch), batch["basket"])}
  epochs = _epochs(folder, 2, resplit=True)
  moved = [
    {key: set(row.tolist()) for batch in epoch for key, row in zip(_keys(batch), batch["basket"])}
    for epoch in epochs
  ]
  assert sum(moved[0][key] != set(stored[key].tolist()) for key in stored) > 10
  assert sum(moved[0][key] != moved[1][key] for key in stored) > 10
  assert min(batch["target"][:, 0].min() for epoch in epochs for batch in epoch) >= 0


def test_batches_of_an_epoch_are_redrawn_apart(folder):
  sizes = {}  # of the baskets, by the order's row in its batch and its number of products
  for batch in _epochs(folder, 1, resplit=True)[0][:6]:
    baskets, targets = ((batch[part] >= 0).sum(1) for part in ("basket", "target"))
    for row, (basket, target) in enumerate(zip(baskets, targets)):
      sizes.setdefault((row, basket + target), set()).add(int(basket))
  # One draw for all batches would give each row and number one size.
  assert sum(len(drawn) > 1 for drawn in sizes.values()) >= 5


def test_a_redraw_sees_the_whole_order_when_less_is_asked_for(folder):
  whole, cut = (_epochs(folder, 1, resplit=True, basket=width)[0] for width in (6, 2))
  for one, two in zip(whole, cut, strict=True):
    np.testing.assert_array_equal(one["basket"][:, :2], two["basket"])
    np.testing.assert_array_equal(one["target"][:, :2], two["target"])


def test_remainder(folder):
  assert files.steps(folder, "train", batch=8) == 6
  assert files.steps(folder, "train", batch=8, drop_remainder=False) == 7
  assert files.steps(folder, "train", batch=64) == 1  # the only batch is kept, however small
  assert [len(b["query"]) for b in _take(batches(folder, "train", CONFIG, batch=64, training=True), 2)] == [
    50,
    50,
  ]
  sizes = [len(b["query"]) for b in _take(batches(folder, "train", CONFIG, batch=8, training=True), 12)]
  assert sizes == [8] * 12
  dropped = batches(folder, "valid", CONFIG, batch=3, training=False, drop_remainder=True)
  assert [len(b["query"]) for b in _take(dropped)] == [3, 3]
  with pytest.raises(DataError, match="batch must be filled by the 50 examples of the split, got 64"):
    batches(folder, "train", CONFIG, batch=64, training=True, drop_remainder=True)


def test_an_empty_split_and_a_missing_folder_are_named(folder, tmp_path):
  with pytest.raises(DataError, match="must hold an example, got 'test'; use one of: train, valid, products"):
    batches(folder, "test", CONFIG, batch=3, training=False)
  with pytest.raises(DataError, match=r"must be a folder with manifest\.json"):
    batches(tmp_path, "train", CONFIG, batch=3, training=False)


def test_keras_fit_takes_one_stream_through_its_epochs(folder):
  seen = []

  class Model(tf.keras.Model):
    def train_step(self, features):
      tf.py_function(
        lambda h, t: seen.append((h.numpy(), t.numpy())), [features["history"], features["target"]], []
      )
      return {"loss": tf.constant(0.0)}

  model = Model()
  model.compile(run_eagerly=True)
  dataset = batches(folder, "train", CONFIG, batch=8, training=True, resplit=True)
  model.fit(dataset, epochs=2, steps_per_epoch=files.steps(folder, "train", batch=8), verbose=0)
  wanted = _take(dataset, 12)
  assert len(seen) == 12
  for (history, target), batch in zip(seen, wanted, strict=True):
    np.testing.assert_array_equal(history, batch["history"])
    np.testing.assert_array_equal(target, batch["target"])


REPLICAS = """
import sys
import numpy as np
from tests.pipeline import test_batches as t
from tfrec_combo.base.stack import tf
from tfrec_combo.pipeline.batches import batches
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
dataset = batches(sys.argv[1], "train", t.CONFIG, batch=8, training=True, resplit=True)
for _, got, wanted in zip(range(14), strategy.experimental_distribute_dataset(dataset), dataset):
  for name in wanted:
    parts = strategy.experimental_local_results(got[name])
    assert [len(part) for part in parts] == [4, 4]
    np.testing.assert_array_equal(np.concatenate([part.numpy() for part in parts]), wanted[name].numpy())
print("equal")
"""


def test_two_replicas_share_out_what_one_would_see(folder):
  command = [sys.executable, "-c", REPLICAS, str(folder)]
  run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
  assert run.stdout.endswith("equal\n"), run.stderr[-2000:]
