"""Sets out of the served graph, under every wish a request may have. TFREC_COMBO_SETS: how many random requests ask for them."""

import os
import types

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.sets.scorer import SetScorer
from tfrec_combo.export.module import ServedModel
from tfrec_combo.export.wishes import fallbacks

# Forty products at 1, 2, ... 40 in four categories of ten.
N, C, M = 40, 4, 4
SETTINGS = makers.config(
  export={"k": 20, "history": 4, "basket": 4, "exclude": 4, "categories": 2, "in_stock": 6, "ready_made": 3},
  combine={"pool": 12, "beam": 8, "sets": C, "size": M},
  ranker={"candidates": 20, "layers": (8,), "members": 1, "crosses": 1},
)
SHOP = makers.catalogue(N, blocks=4, orders=np.arange(N)[::-1])
BATCH = 100
BATCHES = int(os.environ.get("TFREC_COMBO_SETS", "200")) // BATCH


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  words = types.SimpleNamespace(
    width=makers.WIDTH, variables=[], encode=lambda queries: tf.zeros([tf.shape(queries)[0], makers.WIDTH])
  )
  towers = makers.two_tower(SHOP, SETTINGS)
  ranker = makers.ranker(SHOP, makers.block_orders(60, 4, 10, 3), SETTINGS)
  scorer = SetScorer(4.0, 0.05)
  scorer.pair_out.kernel.assign(np.random.default_rng(0).normal(0, 0.3, [24, 1]))
  model = ServedModel(
    ranker, scorer, towers.product_tower, words, SHOP, SETTINGS, tmp_path_factory.mktemp("assets")
  )
  return model.signatures()


def ask(served, signature="combine", **given):
  """Answers of one batch; lists of strings are padded, and what is left out has its default."""
  widths = {
    "basket_ids": 4,
    "history_ids": 4,
    "exclude_ids": 4,
    "must_include_ids": M,
    "allowed_categories": 2,
  }
  widths |= {"in_stock_ids": 6}
  inputs = {}
  for name, value in given.items():
    if name in widths:
      rows = [[*row, *[""] * (widths[name] - len(row))] for row in value]
      inputs[name] = tf.constant(np.array(rows, object))
    else:
      kind = np.float32 if name in ("budget", "diversity") else object if name == "set_ids" else np.int32
      inputs[name] = tf.constant(np.array(value, kind))
  answer = {name: value.numpy() for name, value in served[signature](**inputs).items()}
  if "set_ids" in answer:
    answer["sets"] = [[[int(i[1:]) for i in s if i] for s in row] for row in answer["set_ids"]]
  return answer


def group(product):
  return product // 10


def test_everything_may_be_left_out(served):
  answer = ask(served)
  assert answer["status"].tolist() == [b"ok"]
  assert [2 <= len(s) <= 4 for s in answer["sets"][0]] == [True] * C
  asked = {"basket_ids": [["p3"], ["p12"], []]}
  three = ask(served, **asked)["sets"]
  assert three[2] == answer["sets"][0]
  same = ask(served, **asked, size_min=[2], budget=[0.0] * 3, one_per_category=[0])["sets"]
  assert same == three


@pytest.mark.parametrize("seed", range(BATCHES))
def test_each_wish_holds(served, seed):
  rng = np.random.default_rng(seed)
  rows, ids = BATCH, [f"p{i}" for i in range(N)]
  some = lambda most, chance: [
    list(rng.choice(ids, rng.integers(1, most + 1), replace=False)) if rng.random() < chance else []
    for _ in range(rows)
  ]
  asked = {
    "basket_ids": some(3, 0.5),
    "history_ids": some(4, 0.5),
    "exclude_ids": some(4, 0.5),
    "must_include_ids": some(2, 0.3),
    "in_stock_ids": some(6, 0.2),
    "allowed_categories": [
      [[], ["All > 1"], ["All > 0", "All > 3"], ["All"]][k] for k in rng.integers(0, 4, rows)
    ],
    "size_min": rng.integers(1, 4, rows),
    "size_max": rng.integers(2, 5, rows),
    "budget": rng.choice([0, 0, 12.5, 40, 90], rows),
    "one_per_category": rng.choice([0, 0, 2, 99], rows),
    "diversity": rng.choice([0, 0, 1], rows),
  }
  answer = ask(served, **asked)
  found = 0
  for i in range(rows):
    row = {name: value[i] for name, value in asked.items()}
    made = [s for s in answer["sets"][i] if s]
    assert (answer["status"][i] == b"ok") == bool(made)
    assert len({frozenset(s) for s in made}) == len(made)
    for s in made:
      found += 1
      names = {f"p{p}" for p in s}
      assert len(names) == len(s)
      assert row["size_min"] <= len(s) <= row["size_max"]
      assert not names & {*row["basket_ids"], *row["exclude_ids"]}
      assert set(row["must_include_ids"]) <= names
      assert not row["in_stock_ids"] or names <= set(row["in_stock_ids"])
      allowed = {int(c[-1]) for c in row["allowed_categories"] if c != "All"} or set(range(4))
      assert {group(p) for p in s} <= allowed
      assert not row["one_per_category"] or len({group(p) for p in s}) == len(s)
      assert not row["budget"] or sum(p + 1 for p in s) <= row["budget"]
  assert found > BATCH


@pytest.mark.parametrize(
  ("wishes", "why"),
  [
    ({"must_include_ids": [["p7", "p30"]]}, b"ok"),
    ({"must_include_ids": [["no such product"]]}, b"must_include"),
    ({"must_include_ids": [["p3"]]}, b"must_include"),  # it lies in the basket
    ({"must_include_ids": [["p7"]], "exclude_ids": [["p7"]]}, b"must_include"),
    ({"must_include_ids": [["p7"]], "in_stock_ids": [["p8", "p9"]]}, b"must_include"),
    ({"must_include_ids": [["p7"]], "allowed_categories": [["All > 2"]]}, b"must_include"),
    ({"must_include_ids": [["p7", "p8"]], "one_per_category": [2]}, b"must_include"),
    ({"must_include_ids": [["p7", "p8", "p9"]], "size_max": [2]}, b"size"),
    ({"must_include_ids": [["p7", "p7"]], "size_max": [2]}, b"ok"),  # it is one product
    ({"must_include_ids": [["p38"]], "budget": [38.0]}, b"budget"),
    ({"must_include_ids": [["p38"]], "budget": [41.0]}, b"ok"),  # with one at 1 or 2
    ({"budget": [2.5]}, b"budget"),
    ({"size_min": [3], "size_max": [2]}, b"size"),
    ({"size_min": [5], "size_max": [9]}, b"size"),
    ({"in_stock_ids": [["p20", "p39"]]}, b"ok"),
    ({"in_stock_ids": [["p39"]]}, b"too_few_products"),
    ({"in_stock_ids": [["unknown"]]}, b"too_few_products"),
    ({"allowed_categories": [["All > 3"]]}, b"ok"),  # the least popular ones
    ({"allowed_categories": [["All > 9"]]}, b"too_few_products"),
    ({"allowed_categories": [["All > 1"]], "one_per_category": [9]}, b"too_few_products"),
    ({"allowed_categories": [["All > 3"]], "budget": [62.0]}, b"budget"),  # 31 and 32 are the cheapest
    ({"allowed_categories": [["All > 3"]], "budget": [63.0]}, b"ok"),
    ({"one_per_category": [2], "size_min": [4]}, b"ok"),
    ({"one_per_category": [1]}, b"too_few_products"),  # all are of the one at the top
  ],
)
def test_an_infeasible_request_gets_no_set_and_the_reason(served, wishes, why):
  answer = ask(served, basket_ids=[["p3"]], **wishes)
  assert answer["status"][0] == why
  assert any(answer["sets"][0]) == (why == b"ok")


def test_prices_contributions_and_totals_are_those_of_the_members(served):
  answer = ask(served, basket_ids=[["p3"], []], size_min=[3], size_max=[3])
  for row in range(2):
    for place, s in enumerate(answer["sets"][row]):
      np.testing.assert_allclose(answer["set_prices"][row, place, :3], [p + 1 for p in s])
      assert answer["totals"][row, place] == sum(p + 1 for p in s)
      parts = answer["contributions"][row, place]
      assert parts[3] == 0
      assert parts.sum() == pytest.approx(answer["set_scores"][row, place], abs=1e-5)


def test_ready_made_sets_score_what_they_would_if_generated(served):
  made = ask(served, basket_ids=[["p3"]], size_min=[2], size_max=[2])
  sets = np.full([1, 3, 16], "", object)
  for place in range(3):
    sets[0, place, :2] = made["set_ids"][0, place][[1, 0]]  # the order says nothing
  sets[0, 2, 2:5] = sets[0, 2, 0], "p3", "nothing"
  again = ask(served, "rank_bundles", basket_ids=[["p3"]], set_ids=sets)
  np.testing.assert_allclose(again["set_scores"][0], made["set_scores"][0, :3], atol=1e-4)
  assert again["unknown"].tolist() == [[0, 0, 3]], "named twice, in the basket, and not known"


def test_reasons(served):
  asked = {
    "basket_ids": [["p3"]],
    "history_ids": [["p12", "p14"]],
    "must_include_ids": [["p25"]],
    "size_min": [4],
  }
  answer = ask(served, **asked)
  told = {
    p: (why.decode(), with_.decode())
    for p, why, with_ in zip(answer["sets"][0][0], answer["reasons"][0, 0], answer["goes_with_ids"][0, 0])
  }
  assert told[25][0] == "asked"
  for product, (why, with_) in told.items():
    assert why in {"asked", "basket", "again", "history", "set", "popular"}
    if why == "basket":
      assert (with_, group(product)) == ("p3", 0), "orders are of one group"
    if why == "history":
      assert group(product) == 1


def test_what_stands_in_for_a_category_or_a_budget():
  tables = fallbacks(SHOP)
  names = SHOP.category_names
  of = tables["of_category"][names.index("All > 2")]
  assert sorted(set(of) - {-1}) == list(range(20, 30))
  assert of[:3].tolist() == [20, 21, 22], "the most popular first"
  assert tables["cheapest"].tolist() == list(range(12))
  assert (tables["of_category"][0] == -1).all()
