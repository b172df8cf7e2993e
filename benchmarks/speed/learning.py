"""Towers that learn while a clock runs, and how good they are at any moment: outside the clock."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.metrics.ranking import hits_of, ndcg
from tfrec_combo.pipeline import files
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.retrieval.best import columns
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.towers.text_table import FrozenTexts
from tfrec_combo.training.assemble import Run
from tfrec_combo.training.loop import best_of, epochs_of
from tfrec_combo.training.optimizer import optimizer

K = 10


class HeldOut:
  """The orders that a model is asked about: those of the test split, each with the first part of its basket given.

  A product of the given basket is no answer, whoever gives it.
  """

  def __init__(self, run: Run):
    self.asked = requests(run.records, "test")
    self.targets = [np.asarray(r.target) for r in self.asked]
    self.widest = max(len(r.basket) for r in self.asked)
    wide = {"history": run.config.towers.history}
    self.batches = list(batches(run.records, "test", run.config, batch=64, training=False, **wide))

  def ndcg(self, queries: Callable[[dict], tf.Tensor], vectors: np.ndarray) -> float:
    """NDCG@10 over the whole catalogue. queries: batch -> [B, D]; vectors: [N, D]."""
    score, products = best_of(queries), columns(vectors)
    k = min(len(vectors), K + self.widest)
    return self.of(np.concatenate([score(batch, products, k).numpy() for batch in self.batches]))

  def of(self, rows: np.ndarray) -> float:
    """NDCG@10 of rankings [Q, K + the widest basket]."""
    ranked = np.full([len(rows), K], -1)
    for into, row, request in zip(ranked, rows, self.asked):
      kept = row[~np.isin(row, request.basket)][:K]
      into[: len(kept)] = kept
    wanted = np.array([len(t) for t in self.targets])
    return float(ndcg(hits_of(ranked, self.targets), wanted, k=K).mean())


@dataclasses.dataclass(eq=False)
class Clocked(tf.keras.callbacks.Callback):
  """Asks `measure` every `every` steps while the clock stands; stops at `target`, or `patience` times after the best.

  The clock starts behind the first step, in which TensorFlow traces. curve: (seconds, steps, measured).
  """

  measure: Callable[[], float]
  every: int
  target: float | None = None
  patience: int | None = None

  def __post_init__(self):
    super().__init__()
    self.curve: list[tuple[float, int, float]] = []
    self.seconds, self.steps, self.since = 0.0, 0, 0.0

  def on_train_batch_end(self, batch, logs=None):
    self.steps += 1
    if self.steps == 1:
      self.since = time.perf_counter()
    elif self.steps % self.every == 0:
      self.seconds += time.perf_counter() - self.since
      self.curve.append((self.seconds, self.steps, self.measure()))
      values = [value for _, _, value in self.curve]
      if self.target is not None and values[-1] >= self.target:
        self.model.stop_training = True
      if self.patience is not None and len(values) - 1 - int(np.argmax(values)) >= self.patience:
        self.model.stop_training = True
      self.since = time.perf_counter()

  @property
  def best(self) -> tuple[float, int, float]:
    """The first moment of the best value."""
    return max(self.curve, key=lambda point: point[2])


def towers_of(run: Run, texts: FrozenTexts, products: Catalogue, seed: int) -> TwoTower:
  """The untrained towers of a seed over texts that are encoded already."""
  tf.keras.utils.set_random_seed(seed)
  return TwoTower(products, texts, run.config, seed)


def learn(run: Run, towers: TwoTower, seed: int, *callbacks: Any, count: int | None = None) -> None:
  """Trains as the package does, from the records. count: of steps; none: as many as the config asks for, or a callback."""
  settings, wide = run.config.retrieval, {"history": run.config.towers.history}
  each = files.steps(run.records, "train", batch=settings.batch)
  total = count or each * epochs_of("retrieval", settings.epochs, each)
  towers.compile(optimizer=optimizer(settings, total))
  towers.optimizer.build(towers.trainable_variables)
  stream = batches(
    run.records, "train", run.config, batch=settings.batch, training=True, seed=seed, resplit=True, **wide
  )
  towers.fit(stream, steps_per_epoch=total, verbose=0, callbacks=list(callbacks))
