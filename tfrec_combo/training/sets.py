"""Fits the set model over a trained ranker."""

import functools

import numpy as np

from tfrec_combo import __version__
from tfrec_combo.base import files
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.combos.sets.pairs import NAMES
from tfrec_combo.combos.sets.scorer import SetScorer, about
from tfrec_combo.combos.sets.task import SetTask, examples, list_loss
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.retrieval.train_step import OwnTrainStep
from tfrec_combo.training.assemble import Run
from tfrec_combo.training.callbacks import restore_best
from tfrec_combo.training.fold_lists import SetLists, batches_of, fields_of
from tfrec_combo.training.loop import Task, fit, held_out_batches

SAMPLE = 500  # lists that tell the scale
TRAINED = {"epochs", "batch", "learning_rate"}  # settings of `combine` that its weights depend on


def sets_key(run: Run, ranker_key: str) -> str:
  """Changes when the set model must be trained anew."""
  read = run.config.model_dump(mode="json", include={"combine": TRAINED})
  return files.fingerprint([__version__, ranker_key, read])


def untrained(run: Run) -> SetScorer:
  """The model before training, with the search's settings."""
  settings = run.config.combine
  return SetScorer(settings.substitute_penalty, settings.least_chance, name="set_scorer")


def restored(run: Run) -> SetScorer:
  """The trained model."""
  scorer = untrained(run)
  restore_best(run.sets, {"scorer": scorer})
  return scorer


def fit_sets(
  run: Run, ranker: Ranker, split: str, key: str, strategy: tf.distribute.Strategy, resume: bool
) -> SetScorer:
  """Fits on the orders that the ranker learnt on, with the counts it learnt with; the held-out metric is the likelihood.

  Args:
    ranker: trained, and holding the counts of orders before those of `split`.
  """
  config = run.config
  with strategy.scope():
    scorer = untrained(run)
    task = SetTask(ranker, scorer, config.seed)
  valid = held_out_batches(run, {})
  some = batches(
    run.records, split, config, batch=config.combine.batch, seed=config.seed, training=True, resplit=True,
    drop_remainder=False,
  )  # fmt: skip
  sample = tf.function(
    lambda batch, seed: examples(ranker, *task.asked(batch, True), seed)[1], reduce_retracing=True
  )
  standardise(
    scorer, ranker, [sample(batch, tf.constant([config.seed, i])) for i, batch in enumerate(some.take(5))]
  )
  loss = tf.function(lambda batch: task.compute_loss(batch), reduce_retracing=True)
  likelihood = lambda: -float(np.mean([loss(batch).numpy() for batch in valid]))
  fit(
    run,
    Task(task, run.sets, key, {"scorer": scorer}, likelihood, split, config.combine, {}),
    strategy,
    resume,
  )
  return scorer


class OnLists(OwnTrainStep):
  """Trains a set scorer on lists that were made before."""

  def __init__(self, ranker: Ranker, scorer: SetScorer, **kwargs):
    super().__init__(autocast=False, **kwargs)
    object.__setattr__(self, "ranker", ranker)  # past Keras's tracking, as nothing of it trains here
    self.scorer = scorer

  def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Mean loss of a request of the global batch: a scalar."""
    return list_loss(self.scorer, self.ranker, inputs)

  def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """See `compute_loss`."""
    return self.compute_loss(inputs)


def fit_sets_on_lists(
  run: Run,
  ranker: Ranker,
  found: SetLists,
  key: str,
  strategy: tf.distribute.Strategy,
  resume: bool,
) -> SetScorer:
  """As `fit_sets`, on the lists of all folds. All epochs are trained, as lists it learns on tell no overfitting."""
  config = run.config
  with strategy.scope():
    scorer = untrained(run)
    task = OnLists(ranker, scorer)
  some = {name: tf.constant(value[:SAMPLE]) for name, value in fields_of(found).items()}
  standardise(scorer, ranker, [some])
  data = functools.partial(batches_of, found, config.combine.batch, config.seed)
  done = lambda: float(task.optimizer.iterations)
  fit(
    run,
    Task(task, run.sets, key, {"scorer": scorer}, done, "train", config.combine, {}, data),
    strategy,
    resume,
  )
  return scorer


def standardise(scorer: SetScorer, ranker: Ranker, made: list[dict[str, tf.Tensor]]) -> None:
  """Sets the scales of a scorer from what `examples` made of some batches; pads are left out."""
  every = [tf.cast(m["pairs"], tf.float32).numpy() for m in made]
  pair = np.concatenate([p[p.any(axis=-1)] for p in every])
  scored = [about(m["candidate"], ranker.net(tf.cast(m["features"], tf.float32)), m["said"]) for m in made]
  lists = np.concatenate([a.numpy()[m["candidate"].numpy()] for a, m in zip(scored, made)])
  scorer.standardise(pair if len(pair) else np.zeros([1, len(NAMES)], np.float32), lists)
