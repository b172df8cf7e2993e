"""The ranker of a small log, learnt by folds, so that no order is lost to a split that only the ranker would learn on.

Each fold's orders are asked of towers and counts that learnt on the other folds, as a served model is asked about orders it
has not seen (stacked generalisation, Wolpert, 1992). The lists of all folds together train one ranking net, which then stands
over towers and counts of the whole log.
"""

import functools
import pathlib

import numpy as np

from tfrec_combo.base.errors import ModelError
from tfrec_combo.base.progress import bar
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.ranker import NO_CANDIDATE, Ranker
from tfrec_combo.combos.sets.scorer import SetScorer
from tfrec_combo.metrics.ranking import METRICS
from tfrec_combo.retrieval.train_step import OwnTrainStep
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.training.assemble import Run
from tfrec_combo.training.callbacks import check_trained, restore_best
from tfrec_combo.training.fold_lists import Lists, batches_of, fields_of, lists
from tfrec_combo.training.learnt import LEARNT, learnt
from tfrec_combo.training.loop import MOST_EPOCHS, Task, fit
from tfrec_combo.training.sets import fit_sets_on_lists, restored

SAMPLE = 1_000_000  # candidates whose features tell the scale


class OnLists(OwnTrainStep):
  """Trains a ranker's net on lists that were made before."""

  def __init__(self, ranker: Ranker, **kwargs):
    super().__init__(autocast=False, **kwargs)
    self.net, self._loss = ranker.net, ranker.list_loss

  def call(self, batch: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Scores [B, K] of the fields of `Lists`; NO_CANDIDATE for pads."""
    scores = self.net(tf.cast(batch["features"], tf.float32))
    return tf.where(batch["candidate"], scores, NO_CANDIDATE)

  def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Mean listwise loss of a request: a scalar."""
    return self._loss(inputs["candidate"], tf.cast(inputs["features"], tf.float32), inputs["target"])


def fit_ranker(
  run: Run,
  ranker: Ranker,
  towers: TwoTower,
  products: Catalogue,
  keys: tuple[str, str],
  strategy: tf.distribute.Strategy,
  resume: bool,
) -> SetScorer:
  """Fits the net of `ranker`, which stands over towers of the whole log, and a set model, on the lists of all folds.

  An epoch's metric is NDCG@10 of lists that it learns on. keys: change when the net, and the set model, must be trained anew.
  """
  config = run.config
  if resume and _is_done(run.ranker, keys[0]) and _is_done(run.sets, keys[1]):
    restore_best(run.ranker, ranker.tracked)
    sets = restored(run)
  else:
    with bar("rank by folds") as update:
      found, of_sets = lists(run, towers, products, update)
    ranker.net.standardise(found.features[found.candidate][:SAMPLE].astype(np.float32))
    with strategy.scope():
      model = OnLists(ranker)
    data = functools.partial(batches_of, found, config.ranker.batch, config.seed)
    measure = functools.partial(ndcg, model, found, config.training.valid_orders)
    # Lists it learns on tell no overfitting, so nothing is won by stopping: their metric only wavers at first.
    task = Task(
      model,
      run.ranker,
      keys[0],
      ranker.tracked,
      measure,
      "train",
      config.ranker,
      {},
      data,
      patience=MOST_EPOCHS,
    )
    fit(run, task, strategy, resume)
    sets = fit_sets_on_lists(run, ranker, of_sets, keys[1], strategy, resume)
  ranker.learn(*learnt(run, LEARNT, len(products)))
  return sets


def _is_done(folder: pathlib.Path, key: str) -> bool:
  try:
    check_trained(folder, key)
  except ModelError:
    return False
  return True


def ndcg(model: OnLists, given: Lists, most: int) -> float:
  """Mean NDCG@10 of up to `most` lists, evenly over all."""
  every = max(1, len(given.target) // most)
  fields = {name: value[::every] for name, value in fields_of(given).items()}
  ranked = np.argsort(-model(fields).numpy(), axis=1, kind="stable")[:, :10]
  hits = np.take_along_axis(fields["target"], ranked, axis=1) > 0
  return float(METRICS["NDCG"](hits, fields["target"].sum(axis=1).astype(int), k=10).mean())
