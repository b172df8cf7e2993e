"""Early stopping, checkpoints and the stop at NaN, on a model of one weight."""

import pytest

from tfrec_combo.base import files
from tfrec_combo.base.errors import ModelError
from tfrec_combo.base.stack import tf
from tfrec_combo.training.callbacks import (
  STATE,
  Bar,
  HeldOut,
  StopAtNaN,
  check_trained,
  history,
  restore_best,
)

ONES = tf.data.Dataset.from_tensors((tf.ones([2, 1]), tf.zeros([2, 1]))).repeat()


def model():
  tf.keras.utils.set_random_seed(0)
  made = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
  made.build([None, 1])
  made.compile(optimizer=tf.keras.optimizers.SGD(0.05), loss="mse")
  return made


def weight(made):
  return float(made.weights[0].numpy().item())


def fit(folder, values, epochs=9, patience=2, more=(), steps=1):
  """Trains while the held-out metric takes `values`; the weight after each epoch, and the model."""
  made, seen, left = model(), [], iter(values)
  held_out = HeldOut(
    folder, {"model": made}, "held_out", lambda: (seen.append(weight(made)), next(left))[1], patience
  )
  first = held_out.resume(made)
  made.fit(
    ONES, epochs=epochs, initial_epoch=first, steps_per_epoch=steps, callbacks=[held_out, *more], verbose=0
  )
  return seen, made, held_out


@pytest.mark.parametrize(
  ("values", "trained", "best"),
  [
    ([1, 3, 2, 2, 9], 4, 2),  # two epochs without a better one
    ([1, 2, 3, 4], 4, 4),
    ([5, 5, 5, 9], 3, 1),  # an equal one is no better
    ([1, 0, 2, 0], 4, 3),
    ([0, 0, 0, 0], 3, 1),
  ],
)
def test_it_stops_in_time_and_keeps_the_best_epoch(tmp_path, values, trained, best):
  seen, made, held_out = fit(tmp_path, values, epochs=4)
  assert len(seen) == trained
  assert len(set(seen)) == trained
  held_out.best()
  assert weight(made) == seen[best - 1]
  fresh = model()
  restore_best(tmp_path, {"model": fresh})
  assert weight(fresh) == seen[best - 1]
  state = files.read_json(tmp_path / STATE)
  assert (state["epoch"], state["best_epoch"], state["done"]) == (trained, best, True)
  assert history(tmp_path)["held_out"] == values[:trained]
  assert len(history(tmp_path)["loss"]) == trained


def test_a_run_that_was_stopped_goes_on_with_its_patience(tmp_path):
  class Power(tf.keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
      if epoch == 2:
        raise KeyboardInterrupt

  seen = fit(tmp_path / "whole", [3, 2, 1, 9])[0]
  with pytest.raises(KeyboardInterrupt):
    fit(tmp_path / "cut", [3, 2], more=[Power()])
  with pytest.raises(ModelError, match="no finished training"):
    check_trained(tmp_path / "cut", "k")
  again, _, _ = fit(tmp_path / "cut", [1, 9])
  assert again == seen[2:], "one more epoch without a better one, then the end"
  assert files.read_json(tmp_path / "cut" / STATE) == files.read_json(tmp_path / "whole" / STATE)


def test_few_checkpoints_are_kept(tmp_path):
  fit(tmp_path, range(9))
  assert len(list(tmp_path.glob("ckpt-*.index"))) <= 4


def test_a_checkpoint_without_its_state_is_not_taken_for_an_epoch(tmp_path):
  """What a kill between the two leaves."""
  fit(tmp_path, [1, 2], epochs=2)
  before = (tmp_path / STATE).read_text()
  fit(tmp_path, [3], epochs=3)
  whole = (tmp_path / STATE).read_text()
  (tmp_path / STATE).write_text(before)
  seen, _, _ = fit(tmp_path, [3], epochs=3)
  assert len(seen) == 1
  assert (tmp_path / STATE).read_text() == whole


def test_a_folder_of_other_settings_is_refused(tmp_path):
  fit(tmp_path, [1], epochs=1)
  files.write_json(tmp_path / "key.json", {"key": "k"})
  check_trained(tmp_path, "k")
  with pytest.raises(ModelError, match=r"trained with other settings.*run `tfrec-combo train` again"):
    check_trained(tmp_path, "other")
  with pytest.raises(ModelError, match="run `tfrec-combo train` first"):
    check_trained(tmp_path / "none", "k")


def test_nan_stops_with_its_step():
  class Broken(tf.keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
      if (self.epoch, batch) == (1, 2):
        self.model.weights[0].assign([[float("nan")]])

    def on_epoch_begin(self, epoch, logs=None):
      self.epoch = epoch

  made = model()
  callbacks = [Broken(), StopAtNaN("ranker.learning_rate")]
  with pytest.raises(ModelError, match=r"nan at step 3 of epoch 2; lower ranker\.learning_rate"):
    made.fit(ONES, epochs=3, steps_per_epoch=4, callbacks=callbacks, verbose=0)


def test_the_bar_counts_the_steps_of_all_epochs(tmp_path):
  told = []
  fit(tmp_path, [1, 2], epochs=2, steps=3, more=[Bar(lambda done, total: told.append((done, total)), 0)])
  assert told == [(n, 6) for n in range(1, 7)]
