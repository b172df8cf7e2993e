"""Keras callbacks: a progress bar, a stop at NaN, and a held-out metric with early stopping and checkpoints."""

import math
import pathlib
from collections.abc import Callable

from tfrec_combo.base import files
from tfrec_combo.base.errors import ModelError
from tfrec_combo.base.progress import Update
from tfrec_combo.base.stack import tf

STATE = "state.json"
KEY = "key.json"


class Bar(tf.keras.callbacks.Callback):
  """Reports steps of the whole training to `update(done, total)`."""

  def __init__(self, update: Update, first_epoch: int):
    super().__init__()
    self.update, self.epoch = update, first_epoch

  def on_epoch_begin(self, epoch, logs=None):
    self.epoch = epoch

  def on_train_batch_end(self, batch, logs=None):
    steps = self.params["steps"]
    self.update(self.epoch * steps + batch + 1, self.params["epochs"] * steps)


class StopAtNaN(tf.keras.callbacks.Callback):
  """Raises at the first loss that is not finite, and says the step."""

  def __init__(self, setting: str):
    super().__init__()
    self.setting, self.epoch = setting, 0

  def on_epoch_begin(self, epoch, logs=None):
    self.epoch = epoch

  def on_train_batch_end(self, batch, logs=None):
    loss = (logs or {}).get("loss", 0.0)
    if not math.isfinite(loss):
      raise ModelError(
        f"the loss is {loss} at step {batch + 1} of epoch {self.epoch + 1}; lower {self.setting}, or train in float32;"
        " the checkpoint of the last whole epoch is kept"
      )


class HeldOut(tf.keras.callbacks.Callback):
  """Scores held-out orders after each epoch, stops when that no longer improves, and keeps what a resumed run needs.

  Weights and optimizer are saved first and `state.json` last, so a killed run resumes from the last whole epoch. Enough
  checkpoints are kept that the best epoch is always among them.

  Args:
    tracked: what a checkpoint holds.
    measure: () -> the metric; more is better.
    written: where checkpoints go; none: `folder`. Of several workers one writes to `folder`, and all read it.
    wait: called when an epoch's have been written; it returns when all workers have.
  """

  def __init__(
    self,
    folder: pathlib.Path,
    tracked: dict[str, tf.Module],
    name: str,
    measure: Callable[[], float],
    patience: int,
    written: pathlib.Path | None = None,
    wait: Callable[[], object] = lambda: None,
  ):
    super().__init__()
    self.written, self.wait = written or folder, wait
    self.folder, self.metric, self.measure, self.patience = folder, name, measure, patience
    self.tracked = tracked
    self.state: dict = {
      "epoch": 0,
      "best": None,
      "best_epoch": 0,
      "done": False,
      "checkpoints": {},
      "history": {},
    }

  def connect(self) -> None:
    """Ties the checkpoint to the model's optimizer; call it after `compile`."""
    self.checkpoint = tf.train.Checkpoint(**self.tracked, optimizer=self.model.optimizer)
    self.manager = tf.train.CheckpointManager(
      self.checkpoint, str(self.written), max_to_keep=self.patience + 2
    )

  def resume(self, model: tf.keras.Model) -> int:
    """Restores the last whole epoch if there is one; returns the epochs already trained."""
    self.set_model(model)
    # Slots exist only after the optimizer was built: else they would be restored at the first step, and a train step that
    # makes variables is traced twice.
    model.optimizer.build(model.trainable_variables)
    self.connect()
    if (self.folder / STATE).is_file():
      self.state = files.read_json(self.folder / STATE)
      if self.state["epoch"]:
        path = str(self.folder / self.state["checkpoints"][str(self.state["epoch"])])
        self.checkpoint.restore(path).assert_existing_objects_matched()
    return self.state["epoch"]

  def on_epoch_end(self, epoch, logs=None):
    value = self.measure()
    state, logs = self.state, {} if logs is None else logs
    logs[self.metric] = value  # callbacks after this one, such as TensorBoard, see it too
    for key, number in logs.items():
      state["history"].setdefault(key, []).append(float(number))
    if state["best"] is None or value > state["best"]:
      state |= {"best": value, "best_epoch": epoch + 1}
    elif epoch + 1 - state["best_epoch"] >= self.patience:
      self.model.stop_training = True
    path = self.manager.save(checkpoint_number=epoch + 1)
    state["checkpoints"][str(epoch + 1)] = pathlib.Path(path).name
    state["epoch"] = epoch + 1
    state["done"] = bool(self.model.stop_training or epoch + 1 == self.params["epochs"])
    files.write_json(self.written / STATE, state)
    self.wait()

  def best(self) -> None:
    """Puts the best epoch's weights back into the model."""
    restore_best(self.folder, self.tracked)


def key_of(folder: pathlib.Path) -> str | None:
  """The key of what was trained in a folder."""
  return files.read_json(folder / KEY)["key"] if (folder / KEY).is_file() else None


def check_trained(folder: pathlib.Path, key: str) -> None:
  """Refuses a folder without a finished training of this key.

  Raises:
    ModelError: none has ended there, or its settings or records were others.
  """
  state = folder / STATE
  if not state.is_file() or not files.read_json(state)["done"]:
    raise ModelError(f"{folder} holds no finished training; run `tfrec-combo train` first")
  if key_of(folder) != key:
    raise ModelError(
      f"{folder} was trained with other settings or records than these; run `tfrec-combo train` again,"
      " or give the settings it was trained with"
    )


def restore_best(folder: pathlib.Path, tracked: dict[str, tf.Module]) -> None:
  """Reads the best epoch's weights from the checkpoints of a training that has ended."""
  values = files.read_json(folder / STATE)
  path = str(folder / values["checkpoints"][str(values["best_epoch"])])
  tf.train.Checkpoint(**tracked).restore(path).assert_existing_objects_matched().expect_partial()


def history(folder: pathlib.Path) -> dict[str, list[float]]:
  """Losses and held-out metric of each epoch."""
  return files.read_json(folder / STATE)["history"]
