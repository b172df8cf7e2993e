"""One Keras `fit` of one model: its data, its callbacks, and where it goes on when it was stopped."""

import dataclasses
import functools
import logging
import math
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

from tfrec_combo.base import files
from tfrec_combo.base import settings as s
from tfrec_combo.base.progress import bar
from tfrec_combo.base.stack import tf
from tfrec_combo.metrics.ranking import METRICS, hits_of
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.pipeline.files import steps
from tfrec_combo.retrieval.best import best_rows
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.training import assemble
from tfrec_combo.training.assemble import Run
from tfrec_combo.training.callbacks import KEY, Bar, HeldOut, StopAtNaN, key_of
from tfrec_combo.training.optimizer import optimizer
from tfrec_combo.training.strategy import agreed, check_batch, is_chief, written_by_chief

log = logging.getLogger(__name__)
# Where the config leaves the epochs open: at least so many, and more in a small shop until there are so many steps.
LEAST_EPOCHS, MOST_EPOCHS = {"retrieval": 4, "ranker": 4, "combine": 2, "bundles": 4}, 60
ENOUGH_STEPS = {"retrieval": 1000, "ranker": 500, "combine": 200, "bundles": 200}


@dataclasses.dataclass(frozen=True)
class Task:
  """What is fitted, on what, and by what it is judged.

  folder: of its checkpoints; key: changes when they are of no use. tracked: what a checkpoint holds. measure: () -> the
  held-out metric, more is better. split: of the records. wide: how much of a record is read, as `batches` takes it.
  """

  model: tf.keras.Model
  folder: pathlib.Path
  key: str
  tracked: dict[str, Any]
  measure: Callable[[], float]
  split: str
  settings: s.Retrieval | s.Ranker | s.Combine | s.Bundles
  wide: dict[str, Any]
  # First epoch -> batches and the steps of an epoch, where they are not the records of `split`.
  data: Callable[[int], tuple[tf.data.Dataset, int]] | None = None
  patience: int | None = None  # epochs without a better metric before it stops; none: training.patience

  @property
  def section(self) -> str:
    """Of the config."""
    return type(self.settings).__name__.lower()


def epochs_of(section: str, asked: int | None, step_count: int) -> int:
  """The most epochs that are trained of a section of the config, with `step_count` steps each."""
  enough = math.ceil(ENOUGH_STEPS[section] / step_count)
  return asked or min(MOST_EPOCHS, max(LEAST_EPOCHS[section], enough))


def _of_split(run: Run, task: Task, first: int) -> tuple[tf.data.Dataset, int]:
  settings, config = task.settings, run.config
  stream = batches(
    run.records,
    task.split,
    config,
    batch=settings.batch,
    training=True,
    seed=config.seed,
    resplit=True,
    first_epoch=first,
    **task.wide,
  )
  return stream, steps(run.records, task.split, batch=settings.batch)


def fit(run: Run, task: Task, strategy: tf.distribute.Strategy, resume: bool) -> None:
  """Fits until the held-out metric no longer improves, and leaves the best epoch's weights in the model.

  Raises:
    ModelError: the loss is not finite.
    ConfigError: the replicas cannot share the batch.
  """
  settings = task.settings
  check_batch(f"{task.section}.batch", settings.batch, strategy)
  stale = not resume or key_of(task.folder) != task.key
  agreed(strategy)  # every worker has looked
  if stale and is_chief(strategy):
    shutil.rmtree(task.folder, ignore_errors=True)
    files.write_json(task.folder / KEY, {"key": task.key})
  agreed(strategy)
  stream, step_count = (task.data or functools.partial(_of_split, run, task))(0)
  epochs = epochs_of(task.section, settings.epochs, step_count)
  with strategy.scope():
    task.model.compile(optimizer=optimizer(settings, step_count * epochs))
  with written_by_chief(task.folder, strategy) as written:
    _fit(run, task, strategy, written, step_count, epochs, stream)


def _fit(
  run: Run,
  task: Task,
  strategy: tf.distribute.Strategy,
  written: pathlib.Path,
  step_count: int,
  epochs: int,
  stream: tf.data.Dataset,
) -> None:
  config, name = run.config, task.folder.name
  measure = lambda: agreed(strategy, task.measure())
  patience = task.patience or config.training.patience
  held_out = HeldOut(
    task.folder, task.tracked, "held_out", measure, patience, written, lambda: agreed(strategy)
  )
  with strategy.scope():
    first = held_out.resume(task.model)
  if not held_out.state["done"]:
    if first:
      log.info("%s: going on after epoch %d of %d", name, first, epochs)
      stream = (task.data or functools.partial(_of_split, run, task))(first)[0]
    with bar(f"train {name}") as update:
      callbacks = [StopAtNaN(f"{task.section}.learning_rate"), held_out, Bar(update, first)]
      if config.training.tensorboard:
        callbacks.append(tf.keras.callbacks.TensorBoard(str(written / "tensorboard"), write_graph=False))
      task.model.fit(
        strategy.experimental_distribute_dataset(stream),
        epochs=epochs,
        initial_epoch=first,
        steps_per_epoch=step_count,
        callbacks=callbacks,
        verbose=0,
      )
      trained = held_out.state["epoch"] * step_count
      update(trained, trained)  # an early stop is no unfinished bar
    state = held_out.state
    log.info(
      "%s: best epoch %d of %d, held out %.4f", name, state["best_epoch"], state["epoch"], state["best"]
    )
  held_out.best()


def held_out_batches(run: Run, wide: dict[str, Any]) -> list[dict[str, tf.Tensor]]:
  """A fixed sample of held-out batches; the train split stands in where a tiny log has no newer orders."""
  split = (assemble.splits(run, ("valid", "rank", "train")))[0]
  most = max(1, run.config.training.valid_orders // 64)
  stream = batches(run.records, split, run.config, batch=64, training=False, **wide)
  every = max(1, steps(run.records, split, batch=64, drop_remainder=False) // most)
  return list(stream.shard(every, 0).take(most))


def held_out_queries(run: Run, towers: TwoTower) -> np.ndarray:
  """Query vectors [Q, D] of a fixed sample of held-out requests."""
  return np.concatenate(
    [*towers.encode_queries(held_out_batches(run, {"history": run.config.towers.history}))]
  )


def best_of(
  queries: Callable[[dict], tf.Tensor],
) -> Callable[[dict, tuple[tf.Tensor, tf.Tensor], int], tf.Tensor]:
  """(batch, products as `retrieval.best.columns` gives them, k) -> [B, k] rows of the best of all products; `queries` gives a
  batch's vectors [B, D]."""

  @tf.function(reduce_retracing=True)
  def score(batch: dict[str, tf.Tensor], products: tuple[tf.Tensor, tf.Tensor], k: int) -> tf.Tensor:
    return best_rows(queries(batch), products, k)

  return score


def mean_of(
  score: Callable[[dict], tf.Tensor], valid: list[dict[str, tf.Tensor]], metric: str, k: int
) -> float:
  """Mean of a metric over batches; `score` ranks products, [B, K] rows."""
  values = []
  for batch in valid:
    targets = [row[row >= 0] for row in batch["target"].numpy()]
    ranked = score(batch).numpy()
    ranked = np.pad(ranked, [[0, 0], [0, max(0, k - ranked.shape[1])]], constant_values=-1)
    values.append(METRICS[metric](hits_of(ranked, targets), np.array([len(t) for t in targets]), k=k))
  return float(np.concatenate(values).mean())
