"""Lists of candidates of a small log, each made by towers and counts that know nothing of its order."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tfrec_combo.base.progress import Update
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.co_purchase import count, order_matrix
from tfrec_combo.combos.habits import habits
from tfrec_combo.combos.ranker import labels
from tfrec_combo.combos.sets.task import examples
from tfrec_combo.logs.decisions import Decision
from tfrec_combo.pipeline import memory
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.training import assemble
from tfrec_combo.training.assemble import Run
from tfrec_combo.training.learnt import LEARNT
from tfrec_combo.training.loop import epochs_of

BATCH = 64  # requests whose lists are made at once
SET_DRAWS = 3  # requests made of each order for the set model


@dataclasses.dataclass(frozen=True)
class Lists:
  """Candidates of n requests: features [n, K, F] float16; target [n, K] float32, 1 where it was wanted; candidate [n, K]
  bool, False for pads."""

  features: np.ndarray
  target: np.ndarray
  candidate: np.ndarray


@dataclasses.dataclass(frozen=True)
class SetLists(Lists):
  """Lists for the set model, with what `combos.sets.task.examples` makes beside them; pairs are float16."""

  places: np.ndarray
  chosen: np.ndarray
  pairs: np.ndarray
  said: np.ndarray


def fields_of(given: Lists) -> dict[str, np.ndarray]:
  """The arrays by name."""
  return {f.name: getattr(given, f.name) for f in dataclasses.fields(given)}


def _joined(parts: list[Lists]) -> Any:
  return type(parts[0])(
    *(np.concatenate([fields_of(p)[name] for p in parts]) for name in fields_of(parts[0]))
  )


def batches_of(given: Lists, batch: int, seed: int, first_epoch: int) -> tuple[tf.data.Dataset, int]:
  """An endless stream of training batches, shuffled anew each epoch, and the steps of an epoch."""
  n = len(given.target)
  steps = max(1, n // batch)

  def rows(epoch: tf.Tensor) -> tf.data.Dataset:
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    order = tf.random.experimental.stateless_shuffle(tf.range(n), key)
    return tf.data.Dataset.from_tensor_slices(order[: steps * min(batch, n)]).batch(min(batch, n))

  fields = fields_of(given)
  kinds = {name: tf.as_dtype(value.dtype) for name, value in fields.items()}

  def gather(chosen: tf.Tensor) -> dict[str, tf.Tensor]:
    # In numpy: lists of a gigabyte are no constant of a graph.
    found = tf.numpy_function(lambda c: [v[c] for v in fields.values()], [chosen], list(kinds.values()))
    return {name: tf.ensure_shape(x, [None, *fields[name].shape[1:]]) for name, x in zip(fields, found)}

  epochs = tf.data.Dataset.counter(first_epoch)
  return epochs.flat_map(rows).map(gather).prefetch(2), steps


def lists(run: Run, towers: TwoTower, products: Catalogue, update: Update) -> tuple[Lists, SetLists]:
  """The lists of all folds, `ranker.draws` requests an order for the ranker, and SET_DRAWS for the set model, in which any
  number of an order's products is asked for.

  A product that no order of the log holds is no candidate here: it could only be taught as a wrong answer, which is what
  makes rankers blind to new products.

  Args:
    towers: their text vectors are shared by the folds; the towers themselves are made anew.
  """
  config, settings = run.config, run.config.ranker
  orders = [d for split in assemble.splits(run, LEARNT) for d in requests(run.records, split)]
  fold = np.random.default_rng(config.seed).permutation(len(orders)) % settings.folds
  known = _counted(orders, products) > 0
  parts = []
  for k in range(settings.folds):
    update(k, settings.folds)
    learnt = [o for o, f in zip(orders, fold) if f != k]
    of_fold = [o for o, f in zip(orders, fold) if f == k]
    parts.append(_of_fold(run, towers, products, learnt, of_fold, known, k))
  update(settings.folds, settings.folds)
  return _joined([of_ranker for of_ranker, _ in parts]), _joined([of_sets for _, of_sets in parts])


def _of_fold(
  run: Run,
  towers: TwoTower,
  products: Catalogue,
  learnt: list[Decision],
  asked: list[Decision],
  known: np.ndarray,
  number: int,
) -> tuple[Lists, SetLists]:
  config, settings = run.config, run.config.ranker
  seed = config.seed + number + 1
  orders = _counted(learnt, products)
  before = dataclasses.replace(products, orders=orders, train_orders=orders)
  own = TwoTower(before, towers.texts, config, seed=seed)
  _fit(own, learnt, run, seed)
  ranker = assemble.ranker(run, own, before)
  held = order_matrix([np.concatenate([d.basket, d.target]) for d in learnt], len(products))
  counts = count(held, config.retrieval.neighbours, config.retrieval.shrink)
  ranker.learn(counts, habits(learnt, len(products)))

  @tf.function(reduce_retracing=True)
  def for_ranker(batch: dict[str, tf.Tensor], number: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    request, targets = ranker.training_request(batch)
    rows, features = ranker.lists(request)
    return rows, {"features": features, "target": labels(rows, targets), "candidate": rows >= 0}

  @tf.function(reduce_retracing=True)
  def for_sets(batch: dict[str, tf.Tensor], number: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    return examples(ranker, *ranker.training_request(batch), tf.stack([seed, number]))

  def drawn(kind: type[Lists], make: Callable[..., Any], left_out: int | None, draws: int) -> Any:
    parts = []
    stream, steps = memory.stream(memory.arrays(asked, config), left_out, BATCH, seed, draws)
    for place, batch in enumerate(stream.take(steps * draws)):
      rows, made = make(batch, tf.constant(place))
      rows, fields = rows.numpy(), {name: _small(name, value) for name, value in made.items()}
      fields["candidate"] &= known[np.maximum(rows, 0)]
      found = (fields["target"] * fields["candidate"]).any(
        axis=1
      )  # a list without its target teaches nothing
      parts.append(kind(**{name: value[found] for name, value in fields.items()}))
    return _joined(parts)

  of_ranker = drawn(Lists, for_ranker, settings.left_out, settings.draws)
  return of_ranker, drawn(SetLists, for_sets, None, SET_DRAWS)


def _small(name: str, values: tf.Tensor) -> np.ndarray:
  return tf.cast(values, tf.float16).numpy() if name in ("features", "pairs") else values.numpy()


def _fit(towers: TwoTower, orders: list[Decision], run: Run, seed: int) -> None:
  settings = run.config.retrieval
  epochs = epochs_of("retrieval", settings.epochs, max(1, len(orders) // settings.batch))
  stream, steps = memory.stream(memory.arrays(orders, run.config), None, settings.batch, seed, epochs)
  decay = tf.keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps * epochs, alpha=0.05)
  towers.compile(optimizer=tf.keras.optimizers.Adam(decay))
  towers.fit(stream, epochs=epochs, steps_per_epoch=steps, verbose=0)


def _counted(orders: list[Decision], products: Catalogue) -> np.ndarray:
  rows = np.concatenate([np.concatenate([o.basket, o.target]) for o in orders])
  return np.bincount(rows, minlength=len(products)).astype(np.float32)
