"""The autopilot reaches its recall by the least work, and shows what it tried."""

import json

import numpy as np
import pytest

from tests.retrieval.test_index import clustered, ids
from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval import autopilot
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex

MAKERS = {
  "scann": lambda leaves: ScannIndex(leaves=leaves),
  "portable": lambda leaves: PortableIndex(1000, leaves),
}
K = 10


@pytest.fixture(scope="module")
def vectors():
  return clustered(4200)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_least_work_that_finds_enough_is_chosen(kind, vectors, monkeypatch):
  monkeypatch.setattr(autopilot, "SHARES", (0.02, 0.1, 0.3, 1.0))
  queries = clustered(4240)[4200:]
  tuned = autopilot.tune(MAKERS[kind], vectors, ids(4200), queries, K, 0.9)
  enough = [p for p in tuned.tried if p.recall >= 0.9]
  assert tuned.chosen == min(enough, key=lambda p: p.work)
  assert len({p.leaves for p in tuned.tried}) == 3
  # The index answers as the chosen point says, by the definition of recall.
  rows = tuned.index.search(tf.constant(queries), K)[1].numpy()
  best = np.argsort(-(queries @ vectors.T), axis=1)[:, :K]
  assert np.mean([len(set(a) & set(b)) / K for a, b in zip(rows, best)]) == pytest.approx(tuned.chosen.recall)
  assert tuned.chosen.work < 0.7 * 4200
  assert json.loads(json.dumps(tuned.as_dict()))["chosen"]["recall"] == tuned.chosen.recall


@pytest.mark.parametrize("kind", MAKERS)
def test_a_survey_shows_the_setting_that_stays_among_others(kind, vectors):
  queries = clustered(4240)[4200:]
  index = MAKERS[kind](None).build(vectors, ids(4200))
  own, before = index.leaves_share, index.search(tf.constant(queries), K)[1].numpy()
  found = autopilot.survey(index, vectors, queries, K)
  assert (found.index, found.chosen.leaves_share, index.leaves_share) == (index, own, own)
  np.testing.assert_array_equal(index.search(tf.constant(queries), K)[1].numpy(), before)
  best = np.argsort(-(queries @ vectors.T), axis=1)[:, :K]
  assert np.mean([len(set(a) & set(b)) / K for a, b in zip(before, best)]) == pytest.approx(
    found.chosen.recall
  )
  work, recall = zip(*((p.work, p.recall) for p in found.tried))
  assert len(set(work)) == len(work) > 3
  assert recall[0] < recall[-1]


def test_a_recall_out_of_reach_gives_the_highest(vectors, monkeypatch):
  monkeypatch.setattr(autopilot, "SHARES", (0.01, 0.05))
  tuned = autopilot.tune(MAKERS["portable"], vectors, ids(4200), clustered(4220)[4200:], K, 1.1)
  assert tuned.chosen.recall == max(p.recall for p in tuned.tried)
  assert tuned.chosen.leaves_share == 0.05


@pytest.mark.parametrize("kind", MAKERS)
def test_where_all_is_scored_there_is_one_setting(kind):
  small = clustered(100)
  tuned = autopilot.tune(MAKERS[kind], small, ids(100), small[:7], K, 0.9)
  assert [(p.recall, p.work) for p in tuned.tried] == [(1.0, 100)]
