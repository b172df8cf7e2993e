"""Fits the two towers, then the ranker over them and the set model over that; each goes on where a killed run stopped."""

import logging
import pathlib
from typing import Any, NamedTuple

from tfrec_combo import __version__
from tfrec_combo.base import files
from tfrec_combo.base.config import Config
from tfrec_combo.base.errors import ModelError
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.combos.sets.scorer import SetScorer
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.records import manifest
from tfrec_combo.retrieval.best import columns
from tfrec_combo.retrieval.two_tower import FORM, TwoTower
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.towers.text import TextTower
from tfrec_combo.training import assemble, cross_fit
from tfrec_combo.training.assemble import Run
from tfrec_combo.training.bundles import BundleModel, bundles_key, fit_bundles, restored, trained_on_bundles
from tfrec_combo.training.callbacks import check_trained, restore_best
from tfrec_combo.training.learnt import LEARNT, learnt
from tfrec_combo.training.loop import Task, best_of, fit, held_out_batches, mean_of
from tfrec_combo.training.refresh import Grow
from tfrec_combo.training.sets import fit_sets, sets_key
from tfrec_combo.training.sets import restored as restored_sets
from tfrec_combo.training.strategy import choose, watched

log = logging.getLogger(__name__)
RANKING_ONLY = {
  "index",
  "neighbours",
  "shrink",
  "text_neighbours",
}  # settings of `retrieval` that the towers do not read
UNLEARNT = {
  "tensorboard",
  "worker_timeout",
  "collectives",
  "gpu_memory",
}  # settings of `training` of how, not what
LEAST_TO_RANK = 20  # orders; with fewer in the rank split the ranker learns on the train split


class Models(NamedTuple):
  """The trained models of a run."""

  towers: TwoTower
  text_tower: TextTower
  ranker: Ranker
  sets: SetScorer
  catalogue: Catalogue
  bundles: BundleModel | None  # where the log says who took which ready-made bundles


def train(config: Config, resume: bool = True) -> Models:
  """Trains what is not trained yet, from the records of the run, and returns the models with their best weights.

  The ranker learns with co-purchase counts from before its own orders, and gets those of the whole log afterwards.

  Raises:
    ModelError: the loss is not finite.
    DataError: there are no records.
  """
  run = Run(config)
  tf.keras.utils.set_random_seed(config.seed)
  tf.keras.mixed_precision.set_global_policy(config.training.precision)
  try:
    strategy = choose(config.training)
    with watched(strategy):
      with strategy.scope():
        towers, text_tower, products = assemble.two_tower(run)
      fit_towers(run, towers, strategy, resume)
      ranker = assemble.ranker(run, towers, products, strategy)
      if config.ranker.folds:
        keys = ranker_key(run), sets_key(run, ranker_key(run))
        sets = cross_fit.fit_ranker(run, ranker, towers, products, keys, strategy, resume)
      else:
        sets = fit_ranker(run, ranker, strategy, resume)
      bundles = fit_bundles(run, strategy, resume) if trained_on_bundles(run) else None
      return Models(towers, text_tower, ranker, sets, products, bundles)
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")


def trained(config: Config, grow: Grow | None = None) -> Models:
  """The models of a finished training; `grow` puts its towers over another catalogue, see `refresh.over`.

  Raises:
    ModelError: there is none, or it was of other settings or records.
  """
  run = Run(config)
  for folder, key in _wanted(run).items():
    check_trained(folder, key)
  towers, text_tower, products = assemble.two_tower(run)
  restore_best(run.towers, {"model": towers})
  if grow is not None:
    towers, products = grow(run, towers, text_tower, products)
  ranker = assemble.ranker(run, towers, products)
  restore_best(run.ranker, ranker.tracked)
  ranker.learn(*learnt(run, LEARNT, len(products)))
  bundles = restored(run) if trained_on_bundles(run) else None
  sets = restored_sets(run)
  return Models(towers, text_tower, ranker, sets, products, bundles)


def is_trained(config: Config) -> bool:
  """Whether all is trained with these settings on the records of the run."""
  try:
    for folder, key in _wanted(Run(config)).items():
      check_trained(folder, key)
  except ModelError:
    return False
  return True


def _wanted(run: Run) -> dict[pathlib.Path, str]:
  bundles = {run.bundles: bundles_key(run)} if trained_on_bundles(run) else {}
  own = ranker_key(run)
  return {run.towers: towers_key(run), run.ranker: own, run.sets: sets_key(run, own)} | bundles


def key(run: Run) -> str:
  """Changes when any of the models must be trained anew."""
  return files.fingerprint(list(_wanted(run).values())[1:])  # the towers' is part of the next


def towers_key(run: Run) -> str:
  """Changes when the towers must be trained anew."""
  config = run.config
  read = {"seed", "text", "towers", "retrieval", "training"}
  unread = {"text": {"batch"}, "retrieval": RANKING_ONLY, "training": UNLEARNT}
  parts = config.model_dump(mode="json", include=read, exclude=unread)
  return files.fingerprint([__version__, FORM, manifest.read_manifest(run.records).key, parts])


def ranker_key(run: Run) -> str:
  """Changes when the ranker must be trained anew."""
  parts = run.config.model_dump(mode="json", include={"ranker": True, "retrieval": RANKING_ONLY | {"k"}})
  return files.fingerprint([towers_key(run), parts])


def fit_towers(run: Run, towers: TwoTower, strategy: tf.distribute.Strategy, resume: bool) -> None:
  """Fits the retrieval task; the held-out metric is recall of the index's K, by exact search."""
  config = run.config
  wide: dict[str, Any] = {"history": config.towers.history}
  valid, score = held_out_batches(run, wide), best_of(towers)

  def recall() -> float:
    vectors = towers.encode_catalogue()
    products, k = columns(vectors), min(config.retrieval.k, len(vectors))
    return mean_of(lambda batch: score(batch, products, k), valid, "Recall", k)

  task = Task(towers, run.towers, towers_key(run), {"model": towers}, recall, "train", config.retrieval, wide)
  fit(run, task, strategy, resume)


def fit_ranker(run: Run, ranker: Ranker, strategy: tf.distribute.Strategy, resume: bool) -> SetScorer:
  """Fits the ranking task on orders that neither the towers nor the counts have seen, and the set model on the same; the
  ranker's held-out metric is NDCG@10."""
  config, products = run.config, ranker.candidates.products
  enough = manifest.read_manifest(run.records).counts.get("rank", 0) >= LEAST_TO_RANK
  split = "rank" if enough else "train"
  if not enough:
    log.warning(
      "fewer than %d orders in the rank split: the ranker learns on orders that its counts and towers have seen, and trusts"
      " them too much; bring a longer log, or raise split.rank_days",
      LEAST_TO_RANK,
    )
  ranker.learn(*learnt(run, ("train",), products))
  valid = held_out_batches(run, {})
  options: dict[str, Any] = {
    "batch": config.ranker.batch,
    "seed": config.seed,
    "resplit": True,
    "drop_remainder": False,
  }
  sample = batches(run.records, split, config, training=True, **options)
  ranker.standardise(sample.take(20))
  score = tf.function(lambda batch: ranker(batch)[0], reduce_retracing=True)
  ndcg = lambda: mean_of(score, valid, "NDCG", 10)
  task = Task(ranker, run.ranker, ranker_key(run), ranker.tracked, ndcg, split, config.ranker, {})
  fit(run, task, strategy, resume)
  sets = fit_sets(run, ranker, split, sets_key(run, task.key), strategy, resume)
  ranker.learn(*learnt(run, LEARNT, products))
  return sets
