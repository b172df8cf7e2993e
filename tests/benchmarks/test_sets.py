"""A benchmark of sets on tiny protocol folders: what is asked, what peers make of it, and what is told."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks.quality.problem import lines
from benchmarks.sets import inner, rules, run
from benchmarks.sets.peers import MMR, First, Greedy
from benchmarks.sets.problem import SHOPS
from benchmarks.sets.results import OURS
from benchmarks.sets.served import combined, first
from tests.benchmarks import made
from tests.evaluation.made import random_requests, random_table, request
from tfrec_combo.base.errors import DataError
from tfrec_combo.evaluation.knn import BasketCosine
from tfrec_combo.evaluation.shelf import Shelf
from tfrec_combo.serving.signature import Signature, Spec

N = 40
ORDERS = random_table(N)
SHELF = Shelf(ORDERS)
COSINE = BasketCosine(SHELF, ORDERS)
VECTORS = np.eye(N, dtype=np.float32)
no_mlxtend = pytest.mark.skipif(not rules.available(), reason="mlxtend is not installed: the extra [bench]")
MAKERS = {
  "first": lambda: First("first", SHELF, COSINE),
  "greedy": lambda: Greedy("greedy", SHELF, COSINE),
  "mmr": lambda: MMR("mmr", SHELF, COSINE, VECTORS, 0.5),
  "rules": lambda: Greedy("rules", SHELF, rules.rules(SHELF, ORDERS, 0.02, 3, 0.01)),
}


@pytest.mark.parametrize(
  "name", [pytest.param(n, marks=[no_mlxtend] if n == "rules" else []) for n in MAKERS]
)
def test_contract_of_peers(name):
  peer, requests = MAKERS[name](), random_requests()
  sizes = np.arange(len(requests)) % 4 + 1
  made_ = peer.sets(requests, sizes)
  assert made_.shape == (len(requests), 4)
  for row, asked, size in zip(made_, requests, sizes):
    there = set(row[:size].tolist())
    assert len(there) == size
    assert there <= set(range(N)) - set(asked.basket.tolist())
    assert (row[size:] == -1).all()
  np.testing.assert_array_equal(peer.sets(requests, sizes), made_)
  np.testing.assert_array_equal(peer.sets(requests[7:9], sizes[7:9])[:, :1], made_[7:9, :1])


def test_greedy_goes_on_from_what_it_took():
  # 0 goes with 1, and less with 4; 1 goes with 2, that 0 never met; 3 is bought most
  rows = [[0, 1]] * 4 + [[0, 4]] + [[4]] * 5 + [[1, 2]] * 3 + [[3]] * 9
  table = sp.lil_matrix((len(rows), 6))
  for number, row in enumerate(rows):
    table[number, row] = 1
  shelf = Shelf(table.tocsr())
  scorer = BasketCosine(shelf, table.tocsr(), shrink=0.0)
  sizes = np.array([2])
  assert Greedy("", shelf, scorer).sets([request(basket=(0,))], sizes).tolist() == [[1, 2]]
  assert First("", shelf, scorer).sets([request(basket=(0,))], sizes).tolist() == [[1, 4]]


def test_mmr_leaves_out_the_like_of_what_it_took():
  shelf = Shelf(sp.csr_matrix(np.ones((1, 4))))  # in the order of their numbers
  scores = np.array([[0.0, 1.0, 0.9, 0.5]])
  alike = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], np.float32)
  by = lambda trade: MMR("", shelf, lambda chunk: scores, alike, trade).sets(
    [request(basket=(0,))], np.array([2])
  )
  assert by(0.5).tolist() == [[1, 3]]
  assert by(1.0).tolist() == [[1, 2]]


@no_mlxtend
def test_a_rule_counts_with_the_confidence_that_the_orders_give_it():
  # of the 4 orders with 0 and 1 three hold 2, of the 6 with 0 three; 3 of the 5 with 1
  rows = [[0, 1, 2]] * 3 + [[0, 1]] + [[0, 4]] * 2 + [[1, 5]] + [[6]] * 3
  table = sp.lil_matrix((len(rows), 8))
  for number, row in enumerate(rows):
    table[number, row] = 1
  shelf = Shelf(table.tocsr())
  score = rules.rules(shelf, table.tocsr(), 0.1, 3, 0.01)
  found = score([request(basket=(0, 1)), request(basket=(0,)), request(basket=(7,))])
  assert found[:, shelf.places[2]] == pytest.approx([3 / 4, 3 / 6, 0])
  assert found[0, shelf.places[4]] == pytest.approx(2 / 6)
  assert score([request(basket=(0,))])[0, shelf.places[3]] == 0


class Played:
  """A model that answers, of the request's basket [p], the sets {p + 1, p + 2} and {p + 3, p + 4}, with new or old inputs."""

  def __init__(self, ids, size_inputs):
    strings, whole = np.dtype(object), np.dtype(np.int32)
    shared = {
      "history_ids": Spec(strings, (None, 2)),
      "history_days": Spec(np.dtype(np.float32), (None, 2)),
      "basket_ids": Spec(strings, (None, 3)),
      "query": Spec(strings, (None,)),
      "context": Spec(strings, (None,)),
      "exclude_ids": Spec(strings, (None, 2)),
    }
    outputs = {"set_ids": Spec(strings, (None, 2, 2))}
    sizes = {name: Spec(whole, (None,)) for name in size_inputs}
    budget = {} if "size_min" in sizes else {"budget": Spec(np.dtype(np.float32), (None,))}
    self.signatures = {
      "combine": Signature(
        shared | sizes | budget | {"diversity": Spec(np.dtype(np.float32), (None,))}, outputs
      ),
      "recommend": Signature(shared, {"product_ids": Spec(strings, (None, 5))}),
    }
    self.ids, self.asked = ids, []

  def signature(self, name):
    return self.signatures[name]

  def predict(self, name, inputs):
    self.asked.append((name, inputs))
    start = [self.ids.index(row[0]) for row in inputs["basket_ids"]]
    name_of = np.array([i.encode() for i in self.ids], object)
    if name == "recommend":
      return {"product_ids": np.stack([name_of[(s + 1 + np.arange(5)) % len(self.ids)] for s in start])}
    sets = np.stack([name_of[(s + 1 + np.arange(4)) % len(self.ids)].reshape(2, 2) for s in start])
    sizes = inputs.get("size_max", inputs.get("size"))
    sets[sizes < 2, :, 1] = b""
    return {"set_ids": sets}


@pytest.mark.parametrize("size_inputs", [("size",), ("size_min", "size_max")])
def test_the_model_is_asked_by_what_its_signature_takes(size_inputs):
  ids = [f"p{i}" for i in range(9)]
  model, asked = (
    Played(ids, size_inputs),
    run.Asked([request(basket=(2,)), request(basket=(7,))], np.array([1, 3])),
  )
  sets = combined(model, asked, ids, {"diversity": 0.25})
  assert sets.tolist() == [[[3, -1], [5, -1]], [[8, 0], [1, 2]]]
  inputs = model.asked[0][1]
  assert all(inputs[name].tolist() == [1, 2] for name in size_inputs)  # 2 is the largest that it makes
  assert inputs["diversity"].tolist() == [0.25, 0.25]
  assert ("budget" in inputs) == (size_inputs == ("size",))
  assert first(model, asked, ids).tolist() == [[[3, -1, -1]], [[8, 0, 1]]]


def test_a_bundle_is_asked_for_by_one_of_its_products(tmp_path):
  folder = made.bundlerec(tmp_path / "electronic")
  shop = SHOPS["bundlerec"]
  found = shop.problem(folder)
  asked, known = shop.asked(folder, found, 0)
  again, _ = shop.asked(folder, found, 0)
  other, _ = shop.asked(folder, found, 3)
  given_ = [r.basket.tolist() for r in asked.requests]
  assert given_ == [r.basket.tolist() for r in again.requests] != [r.basket.tolist() for r in other.requests]
  for row, (request_, target) in enumerate(zip(asked.requests, known.targets)):
    assert sorted([*request_.basket, *target]) == [2 * row, 2 * row + 1]
    assert request_.query.startswith("for ")
  assert asked.sizes.tolist() == [1] * 6
  assert known.together[0, 1] == 1
  assert known.together.nnz == 12


def test_an_inner_problem_is_made_of_what_may_be_learnt_from(tmp_path):
  folder = made.bundlerec(tmp_path / "electronic")
  bundles = list(lines(folder / "train_bundles.jsonl"))
  for name in ("queries.jsonl", "truth.jsonl"):
    (folder / name).unlink()
  assert inner.bundlerec(folder, tmp_path / "inner", share=0.25, seed=1) == len(bundles) // 4
  kept, queries, truth = (
    list(lines(tmp_path / "inner" / f"{name}.jsonl")) for name in ("train_bundles", "queries", "truth")
  )
  assert len(kept) + len(queries) == len(bundles)
  assert not {b["bundle_id"] for b in kept} & {q["query_id"] for q in queries}
  whole = {b["bundle_id"]: sorted(b["products"]) for b in bundles}
  for query, wanted in zip(queries, truth):
    assert sorted([*query["basket"], *wanted["targets"]]) == whole[query["query_id"]]
  assert SHOPS["bundlerec"].asked(tmp_path / "inner", SHOPS["bundlerec"].problem(tmp_path / "inner"), 0)


def test_the_last_weeks_are_asked_about_as_the_next_ones_are(tmp_path):
  folder = made.complete_journey(tmp_path / "cj")
  for name in ("queries.jsonl", "truth.jsonl"):
    (folder / name).unlink()
  asked = inner.complete_journey(folder, tmp_path / "inner", days=30)
  assert asked == 12 * 6  # every user's baskets of 30 days, one in five of them
  shop = SHOPS["complete-journey"]
  found = shop.problem(tmp_path / "inner")
  requests, known = shop.asked(tmp_path / "inner", found, 0)
  assert found.orders.shape[0] == 12 * 18
  assert {len(r.basket) for r in requests.requests} == {len(t) for t in known.targets} == {2}
  assert min(r.history_days.min() for r in requests.requests) > 0
  assert set(requests.sizes.tolist()) == {4}
  with pytest.raises(DataError, match="--days"):
    inner.complete_journey(folder, tmp_path / "none", days=400)


def test_a_run(tmp_path, monkeypatch):
  folder, ids = made.bundlerec(tmp_path / "electronic"), [str(100 + i) for i in range(12)]
  model = Played(ids, ("size_min", "size_max"))
  model.__class__.__enter__, model.__class__.__exit__ = lambda self: self, lambda self, *_: None
  monkeypatch.setattr(run, "load", lambda folder: model)
  monkeypatch.setattr(run.served, "largest", lambda folder: 2)
  shop = SHOPS["bundlerec"]
  done = run.run(shop, folder, tmp_path / "out", [tmp_path / "shop-0"], encode=made.encode)
  # the played model answers the product after the one given: right where the first of the pair is given
  asked, known = shop.asked(folder, shop.problem(folder), 0)
  right = np.mean([t[0] == r.basket[0] + 1 for r, t in zip(asked.requests, known.targets)])
  assert done["systems"][OURS]["F1"]["mean"] == pytest.approx(right, abs=1e-5)
  assert done["systems"][OURS]["Hit"]["mean"] == pytest.approx(right, abs=1e-5)
  assert (
    done["systems"]["greedy EASE + 0.3 MiniLM, titles"]["F1"]["mean"] == 1
  )  # the titles' words tell pairs apart
  row = done["comparison"][0]
  assert row["metric"] == "F1"
  assert row["ratio"] == pytest.approx(row["ours"] / row["best"], abs=1e-4)
  assert row["ratio low"] <= row["ratio"] <= row["ratio high"]
  assert done["sizes"]["1"]["n"] == 6
  assert done["ours"]["sets"] == 2
  assert json.loads((tmp_path / "out" / "report.json").read_text()) == json.loads(json.dumps(done))
  text = (tmp_path / "out" / "report.md").read_text()
  assert all(f"| {name} |" in text.replace("**", "") for name in done["systems"])
  kept = run.run(shop, folder, tmp_path / "out", [tmp_path / "shop-0"], peers="kept", encode=made.encode)
  assert kept["systems"] == done["systems"]
  alone = run.run(shop, folder, tmp_path / "new", [tmp_path / "shop-0"], peers="none", encode=made.encode)
  assert list(alone["systems"]) == [OURS, run.TOP]
  with pytest.raises(DataError, match="--kept-peers"):
    run.run(shop, folder, tmp_path / "newer", peers="kept", encode=made.encode)
