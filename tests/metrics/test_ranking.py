"""Known answers, a brute-force oracle, and the benchmark protocol's own scorer."""

import importlib.util
import json
import math
import pathlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrec_combo.base.errors import DataError
from tfrec_combo.metrics.ranking import METRICS, hit_rate, hits_of, mrr, ndcg, recall

PROTOCOL = pathlib.Path(__file__).parents[2].parent / "shared" / "benchmarks" / "protocol.py"


@st.composite
def rankings_and_targets(draw, width=6, products=12):
  """A few rankings, some with empty places at the end, and the targets of each."""
  queries = draw(st.integers(1, 5))
  ids = st.integers(0, products - 1)
  rows = [draw(st.lists(ids, max_size=width, unique=True)) for _ in range(queries)]
  targets = [draw(st.lists(ids, min_size=1, max_size=8, unique=True)) for _ in range(queries)]
  return np.array([row + [-1] * (width - len(row)) for row in rows], np.int32), [np.array(t) for t in targets]


def oracle(ranking, targets, k):
  """One query, by the definitions, in plain Python."""
  found = [place for place, product in enumerate(ranking[:k], 1) if product in set(targets.tolist())]
  ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(targets)) + 1))
  return {
    "Recall": len(found) / len(targets),
    "NDCG": sum(1 / math.log2(place + 1) for place in found) / ideal,
    "HR": float(bool(found)),
    "MRR": 1 / found[0] if found else 0.0,
  }


def test_known_answers():
  # query 0 finds one of two targets at place 2, query 1 none of one
  hits = hits_of(np.array([[5, 3, 9], [1, 2, -1]]), [np.array([3, 7]), np.array([4])])
  targets = np.array([2, 1])
  assert hits.tolist() == [[False, True, False], [False, False, False]]
  assert recall(hits, targets, k=3).tolist() == [0.5, 0.0]
  assert hit_rate(hits, targets, k=3).tolist() == [1.0, 0.0]
  assert hit_rate(hits, targets, k=1).tolist() == [0.0, 0.0]
  assert mrr(hits, targets, k=3).tolist() == [0.5, 0.0]
  # 1 / log2(3) over 1 / log2(2) + 1 / log2(3)
  np.testing.assert_allclose(ndcg(hits, targets, k=3), [0.6309297535714575 / 1.6309297535714575, 0])


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_one_for_a_perfect_ranking_and_zero_for_a_wrong_one(name):
  hits = np.array([[True, True, False], [True, True, True], [False, False, False]])
  values = METRICS[name](hits, np.array([2, 3, 1]), k=3)
  assert values.shape == (3,)
  np.testing.assert_allclose(values, [1, 1, 0])


@pytest.mark.parametrize("k", [1, 3, 6])
@given(case=rankings_and_targets())
def test_metrics_equal_the_brute_force_oracle(k, case):
  rankings, targets = case
  hits = hits_of(rankings, targets)
  counts = np.array([len(t) for t in targets])
  for name, metric in METRICS.items():
    wanted = [oracle(row.tolist(), t, k)[name] for row, t in zip(rankings, targets)]
    np.testing.assert_allclose(metric(hits, counts, k=k), wanted, err_msg=name)


@pytest.mark.skipif(not PROTOCOL.is_file(), reason=f"needs {PROTOCOL}")
@settings(max_examples=40)
@given(case=rankings_and_targets(width=20, products=40))
def test_metrics_agree_with_the_benchmark_protocol(tmp_path_factory, case):
  spec = importlib.util.spec_from_file_location("protocol", PROTOCOL)
  protocol = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(protocol)
  rankings, targets = case
  folder = tmp_path_factory.mktemp("protocol")
  with open(folder / "truth.jsonl", "w") as truth, open(folder / "rankings.jsonl", "w") as answers:
    for i, (row, wanted) in enumerate(zip(rankings.tolist(), targets)):
      truth.write(json.dumps({"query_id": str(i), "targets": [str(t) for t in wanted]}) + "\n")
      answers.write(json.dumps({"query_id": str(i), "ids": [str(p) for p in row if p >= 0]}) + "\n")
  theirs = protocol.score(folder / "truth.jsonl", folder / "rankings.jsonl", (10, 20))
  hits = hits_of(rankings, targets)
  counts = np.array([len(t) for t in targets])
  for k in (10, 20):
    for name in ("Recall", "NDCG", "HR"):
      ours = METRICS[name](hits, counts, k=k).mean()
      assert theirs[f"{name}@{k}"] == pytest.approx(ours, abs=5.1e-5)  # theirs are rounded to 4 digits


def test_a_target_of_one_query_is_no_hit_of_another():
  assert not hits_of(np.array([[1], [0]]), [np.array([0]), np.array([1])]).any()


def test_no_queries_give_no_numbers():
  hits = hits_of(np.zeros((0, 3), np.int32), [])
  assert all(metric(hits, np.zeros(0, int), k=3).shape == (0,) for metric in METRICS.values())


def test_a_repeated_product_is_refused_and_a_repeated_empty_place_is_not():
  assert hits_of(np.array([[2, -1, -1]]), [np.array([2])]).sum() == 1
  with pytest.raises(DataError, match=r"rankings\[1\] must not repeat a product, got 4"):
    hits_of(np.array([[1, 2, 3], [4, 0, 4]]), [np.array([1]), np.array([1])])


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(("targets", "k"), [([1], 4), ([1], 0), ([0], 3), ([1, 1], 3)])
def test_every_metric_refuses_what_it_cannot_score(name, targets, k):
  with pytest.raises(DataError):
    METRICS[name](np.array([[True, False, False]]), np.array(targets), k=k)


def test_rankings_of_other_queries_are_refused():
  with pytest.raises(DataError, match="rankings must be"):
    hits_of(np.array([[1, 2]]), [np.array([1]), np.array([2])])
