"""The ranker learnt by folds: nothing of an order is known to what ranks it, and all orders are learnt from."""

import numpy as np
import pytest

from tfrec_combo.base import config as c
from tfrec_combo.base.errors import ConfigError
from tfrec_combo.training import assemble, callbacks, cross_fit, fit, fold_lists
from tfrec_combo.training.assemble import Run

FOLDS = {
  "ranker": {"folds": 3, "draws": 2, "left_out": 1, "epochs": 2, "layers": [8], "candidates": 30, "batch": 32}
}


@pytest.fixture(scope="module")
def made(workshop):
  config = workshop.config("folds", **FOLDS)
  run = Run(config)
  towers, _, products = assemble.two_tower(run)
  seen = []
  original = fold_lists._of_fold

  def watched(run, towers, products, learnt, asked, known, number):
    seen.append(({d.order_id for d in learnt}, {d.order_id for d in asked}))
    return original(run, towers, products, learnt, asked, known, number)

  with pytest.MonkeyPatch.context() as patched:
    patched.setattr(fold_lists, "_of_fold", watched)
    made = fold_lists.lists(run, towers, products, lambda done, total: None)
  return run, *made, seen


def test_each_order_is_ranked_once_by_what_learnt_on_the_others(made):
  *_, seen = made
  counts = sum(len(asked) for _, asked in seen)
  every = set().union(*(asked for _, asked in seen))
  assert len(seen) == 3
  assert counts == len(every)
  for learnt, asked in seen:
    assert not learnt & asked
    assert learnt | asked == every


def test_lists_hold_their_target_once_and_no_pads(made):
  _, lists, *_ = made
  assert len(lists.target) > 100
  assert ((lists.target * lists.candidate).sum(axis=1) >= 1).all()
  assert np.isfinite(lists.features).all()
  assert lists.features.shape[:2] == lists.target.shape == lists.candidate.shape


def test_lists_for_sets_hold_a_part_of_their_targets(made):
  _, _, lists, _ = made
  assert len(lists.target) > 100
  assert set(lists.chosen.sum(axis=1)) > {0, 1}, "however many the ranker is asked for"
  assert np.take_along_axis(lists.target, lists.places, 1)[lists.chosen].all()
  assert np.isfinite(lists.pairs).all()


def test_batches_hold_each_list_once_an_epoch_in_another_order(made):
  _, lists, *_ = made
  number = np.arange(len(lists.target), dtype=np.float32)
  numbered = fold_lists.Lists(lists.features, lists.target.copy(), lists.candidate)
  numbered.target[:, 0] = number
  stream, steps = fold_lists.batches_of(numbered, 32, 0, 0)
  taken = [batch["target"].numpy()[:, 0] for batch in stream.take(2 * steps)]
  first, second = np.concatenate(taken[:steps]), np.concatenate(taken[steps:])
  assert len(set(first)) == len(first) == steps * 32
  assert first.tolist() != second.tolist()
  again = fold_lists.batches_of(numbered, 32, 0, 1)[0].take(steps)
  assert np.concatenate([b["target"].numpy()[:, 0] for b in again]).tolist() == second.tolist()


def test_a_training_by_folds_learns_ends_and_is_not_done_again(workshop, monkeypatch):
  # A metric that falls from epoch to epoch stops nothing: it is of lists that are learnt from.
  metrics = iter((3.0, 2.0, 1.0, 0.5, 0.1))
  monkeypatch.setattr(cross_fit, "ndcg", lambda *args: next(metrics))
  config = workshop.config("folded", ranker=FOLDS["ranker"] | {"epochs": 5})
  models = fit.train(config)
  curve = callbacks.history(Run(config).ranker)
  assert len(curve["loss"]) == 5
  assert curve["loss"][-1] < curve["loss"][0]
  assert len(callbacks.history(Run(config).sets)["loss"]) >= 2
  assert fit.is_trained(config)
  assert models.ranker.candidates.orders.numpy().sum() > 0
  monkeypatch.setattr(cross_fit, "lists", lambda *args: pytest.fail("made again"))
  fit.train(config)


def test_folds_are_refused_where_they_cannot_be():
  with pytest.raises(ConfigError, match=r"ranker\.folds is 1"):
    c.parse({"ranker": {"folds": 1}})
  with pytest.raises(ConfigError, match="frozen"):
    c.parse({"ranker": {"folds": 3}, "text": {"mode": "lora"}})
