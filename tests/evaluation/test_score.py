"""A result whose numbers are known by construction."""

import json

import numpy as np
import polars as pl
import pytest

from tests.evaluation.made import random_requests, random_table, request
from tfrec_combo.base.errors import DataError
from tfrec_combo.evaluation.peers import all_peers
from tfrec_combo.evaluation.score import score
from tfrec_combo.metrics.ranking import hits_of, ndcg

CATALOGUE = pl.DataFrame({"product_id": list("abcdef"), "orders": [9, 5, 4, 2, 0, 1]})
REQUESTS = [
  request(target=[0, 4], history=[1], query="tea"),
  request(target=[4]),
  request(target=[1]),
  request(target=[2], history=[1, 1]),
]
RIGHT = np.array([[0, 4, 1], [4, 0, 1], [1, 0, 2], [2, 0, 1]])
HALF = np.array([[4, 1, 2], [0, 1, 2], [1, 0, 2], [0, 1, -1]])
NONE = np.array([[1, 2, 3], [0, 1, 2], [0, 2, 3], [0, 1, 3]])


def test_known_answers():
  result = score({"ours": RIGHT, "half": HALF, "none": NONE}, REQUESTS, CATALOGUE, (1, 3), seed=0)
  assert (result["queries"], result["products"], result["ks"], result["k"]) == (4, 6, [1, 3], 1)
  systems = result["systems"]
  assert {m: systems["ours"][f"{m}@3"]["mean"] for m in ("Recall", "NDCG", "HR", "MRR")} == dict.fromkeys(
    ("Recall", "NDCG", "HR", "MRR"), 1.0
  )
  assert systems["ours"]["Recall@1"]["mean"] == 0.875
  assert systems["half"]["Recall@3"]["mean"] == (0.5 + 0 + 1 + 0) / 4
  assert systems["half"]["HR@1"]["mean"] == 0.5
  assert systems["none"]["MRR@3"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
  cell = systems["half"]["Recall@3"]
  assert 0 <= cell["low"] < cell["mean"] < cell["high"] <= 1
  assert systems["ours"]["Coverage@1"] == pytest.approx(4 / 6, abs=1e-6)
  assert systems["none"]["Coverage@3"] == pytest.approx(4 / 6, abs=1e-6)
  assert systems["ours"]["Novelty@1"] > systems["none"]["Novelty@1"]
  assert systems["ours"]["Popularity@1"] < systems["none"]["Popularity@1"]


def test_slices_score_their_own_queries_and_targets():
  slices = score({"ours": RIGHT, "half": HALF}, REQUESTS, CATALOGUE, (3,), seed=0)["slices"]
  assert slices["unseen_targets"]["n"] == 2
  assert slices["unseen_targets"]["systems"]["ours"]["Recall@3"]["mean"] == 1
  assert (
    slices["unseen_targets"]["systems"]["half"]["Recall@3"]["mean"] == 0.5
  )  # found for query 0, not for 1
  assert slices["no_history"]["systems"]["half"]["Recall@3"]["mean"] == 0.5
  one = slices["query"]["systems"]["half"]["Recall@3"]
  assert (slices["query"]["n"], one) == (1, {"mean": 0.5, "low": None, "high": None})


def test_a_slice_without_queries_says_so_with_nulls():
  result = score({"ours": RIGHT[2:]}, REQUESTS[2:], CATALOGUE, (3,), seed=0)
  for name in ("unseen_targets", "query"):
    part = result["slices"][name]
    assert part["n"] == 0
    assert part["systems"]["ours"]["Recall@3"] == {"mean": None, "low": None, "high": None}
  assert result["comparison"] is None


def test_the_comparison_is_with_the_best_peer():
  requests = REQUESTS * 10
  systems = {"ours": RIGHT, "none": NONE, "half": HALF}
  found = score({n: np.tile(r, (10, 1)) for n, r in systems.items()}, requests, CATALOGUE, (1, 3), 0)
  compared = found["comparison"]
  assert (compared["system"], compared["peer"], compared["metric"]) == ("ours", "half", "NDCG@1")
  assert compared["p"] < 0.01
  means = [found["systems"][n]["NDCG@1"]["mean"] for n in ("ours", "half")]
  assert compared["difference"] == pytest.approx(means[0] - means[1], abs=2e-6)
  assert 0 < compared["low"] < compared["difference"] < compared["high"]


def test_peers_are_scored_at_ten_and_the_result_is_json_and_repeats():
  orders = random_table()
  requests = random_requests()
  catalogue = pl.DataFrame({"orders": np.asarray(orders.sum(axis=0)).ravel().astype(int)})
  rankings = {p.name: p.rank(requests, 20) for p in all_peers(orders)}
  result = score(rankings, requests, catalogue, (20, 10), seed=3)
  assert result["k"] == 10
  assert json.loads(json.dumps(result, allow_nan=False)) == result
  assert score(rankings, requests, catalogue, (20, 10), seed=3) == result
  targets = [r.target for r in requests]
  for name, ranked in rankings.items():
    wanted = ndcg(hits_of(ranked, targets), np.array([len(t) for t in targets]), k=20).mean()
    assert result["systems"][name]["NDCG@20"]["mean"] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
  ("rankings", "requests", "ks"),
  [
    ({}, REQUESTS, (3,)),
    ({"ours": RIGHT[:0]}, [], (3,)),
    ({"ours": RIGHT}, REQUESTS, ()),
    ({"ours": RIGHT}, REQUESTS, (4,)),
    ({"ours": RIGHT[:3]}, REQUESTS, (3,)),
    ({"ours": np.tile(RIGHT, (2, 1))}, REQUESTS, (3,)),
    ({"ours": np.zeros((4, 3), int)}, REQUESTS, (3,)),
    ({"ours": RIGHT}, [*REQUESTS[:3], request(target=[])], (3,)),
  ],
  ids=[
    "no system",
    "no request",
    "no k",
    "k too large",
    "a row missing",
    "rows too many",
    "repeats",
    "no target",
  ],
)
def test_what_cannot_be_scored_is_refused(rankings, requests, ks):
  with pytest.raises(DataError):
    score(rankings, requests, CATALOGUE, ks, seed=0)
