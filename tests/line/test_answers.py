"""The contract of the answers: popularity, unknown ids, exclusions, batches."""

import collections

import numpy as np
import pytest

from tests.line.shop import SETTINGS, requests, truth, words
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.training.learnt import learnt
from tfrec_combo.training.run import Run

IDS = [f"p{i:04d}" for i in range(120)]
SIGNATURES = ("recommend", "complete_basket", "combine", "rank_bundles", "embed_queries")


def mixed(signature, rows=6, seed=0):
  """Requests of every kind, the first one empty."""
  rng = np.random.default_rng(seed)
  some = lambda most: [list(rng.choice(IDS, rng.integers(0, most + 1), replace=False)) for _ in range(rows)]
  given = {"history_ids": some(8), "basket_ids": some(4), "exclude_ids": some(6)}
  given |= {"history_days": [np.sort(rng.uniform(0, 90, len(h))) for h in given["history_ids"]]}
  given |= {
    "query": ["", "camping", "", "coffee for guests", "", ""][:rows],
    "context": ["", "app"] * (rows // 2),
  }
  for name in ("history_ids", "basket_ids", "exclude_ids", "history_days"):
    given[name][0] = []
  if signature in ("recommend", "complete_basket"):
    trade = {name: rng.choice([0, 0.2, 1], rows).astype(np.float32) for name in ("diversity", "novelty")}
    return requests(rows, signature, **given) | trade
  if signature == "combine":
    given |= {"size": rng.integers(1, 5, rows), "budget": rng.choice([0, 30, 100, 500], rows)}
    wishes = {"diversity": rng.choice([0, 0.5], rows).astype(np.float32)}
    return requests(rows, signature, **given) | wishes
  if signature == "rank_bundles":
    sets = np.full([rows, 16, 16], "", object)
    sets[:, :4, :3] = rng.choice(IDS, [rows, 4, 3])
    return requests(rows, signature, **given) | {"set_ids": sets}
  return requests(rows, signature, **given)


def batch(inputs, rows):
  return {k: v[rows] for k, v in inputs.items()}


@pytest.fixture(scope="module")
def counts(line):
  """Orders that hold each product, and each two where one is among the kept neighbours of the other."""
  kept, _ = learnt(Run(line.config), ("train", "rank", "valid"), len(IDS))
  both = np.zeros([len(IDS), len(IDS)])
  for row, (others, numbers) in enumerate(zip(kept.rows, kept.together)):
    both[row, others[others >= 0]] = numbers[others >= 0]
  assert (both != both.T).any(), "popular products have more neighbours than are kept"
  return kept.orders, np.maximum(both, both.T)


def test_an_empty_request_gets_the_popular_products_in_their_order(served, line, counts):
  assert catalogue(Run(line.config).records)["product_id"].to_list() == IDS
  asked = requests(
    3, basket_ids=[[], ["nothing of ours"], []], exclude_ids=[[], [], ["p0001"]], context=["", "", "web"]
  )
  for signature in ("recommend", "complete_basket", "serving_default"):
    answer = served.predict(signature, asked)
    for row in words(answer["product_ids"]):
      orders = [counts[0][IDS.index(p)] for p in row]
      assert len(row) == SETTINGS["export"]["k"]
      assert orders == sorted(orders, reverse=True)
      assert orders[-1] >= np.sort(counts[0])[::-1][len(row)]
    assert (np.diff(answer["scores"]) <= 0).all()


def test_unknown_ids_are_ignored(served):
  known = requests(
    1,
    history_ids=[["p0004", "p0100"]],
    history_days=[[3, 9]],
    basket_ids=[["p0020", "p0031"]],
    exclude_ids=[["p0001"]],
  )
  mixed_in = requests(
    1,
    history_ids=[["p0004", "p0100", "gone", "p4"]],
    history_days=[[3, 9, 10, 11]],
    basket_ids=[["p0020", "", "P0020", "p0031", " p0020"]],
    exclude_ids=[["", "?", "p0001"]],
  )
  for signature in ("recommend", "complete_basket", "embed_queries"):
    one, other = served.predict(signature, known), served.predict(signature, mixed_in)
    for name, values in one.items():
      if values.dtype == object:
        assert (values == other[name]).all()
      else:
        np.testing.assert_allclose(values, other[name], atol=1e-5)


def test_nothing_is_answered_twice_nor_out_of_basket_and_exclusions(served):
  for seed in range(4):
    for signature, name in (
      ("recommend", "product_ids"),
      ("complete_basket", "product_ids"),
      ("combine", "set_ids"),
    ):
      asked = mixed(signature, seed=seed)
      answer = served.predict(signature, asked)[name]
      for row, found in enumerate(words(answer)):
        gone = {*asked["basket_ids"][row], *asked["exclude_ids"][row]}
        for products in found if name == "set_ids" else [found]:
          assert len(set(products)) == len(products)
          assert not set(products) & gone


@pytest.mark.parametrize("signature", SIGNATURES)
def test_rows_of_a_batch_do_not_know_of_each_other(served, signature):
  asked = mixed(signature)
  whole = served.predict(signature, asked)
  for rows in (slice(0, 1), slice(1, 2), slice(2, 6)):
    part = served.predict(signature, batch(asked, rows))
    for name, values in whole.items():
      if values.dtype == object:
        assert (part[name] == values[rows]).all(), name
      else:
        np.testing.assert_allclose(part[name], values[rows], atol=1e-5, err_msg=name)


def test_products_are_embedded_each_by_itself(served):
  asked = {
    "text": np.array(["Nordal tent", "", "soft baby blanket"], object),
    "category": np.array(["Outdoor > Tents > Big > Bigger", "", "no such > path"], object),
    "price": np.array([10, 0, -1], np.float32),
  }
  whole = served.predict("embed_products", asked)["vectors"]
  np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-5)
  for i in range(3):
    one = served.predict("embed_products", batch(asked, slice(i, i + 1)))["vectors"]
    np.testing.assert_allclose(one[0], whole[i], atol=1e-5)


def test_prices_are_those_of_the_catalogue(served, line):
  prices = dict(zip(IDS, catalogue(Run(line.config).records)["price"]))
  answer = served.predict("recommend", mixed("recommend"))
  for ids, shown in zip(answer["product_ids"], answer["prices"]):
    for product, price in zip(ids, shown):
      assert price == pytest.approx(prices[product.decode()] if product else 0)


def test_goes_with_names_a_product_of_the_request_and_the_orders_that_hold_both(served, counts):
  baskets = [["p0020", "p0001"], ["p0113", "p0050", "p0032"], ["p0066", "new"], []]
  histories = [[], ["p0004", "p0100"], [], ["p0004", "p0100", "p0004"]]
  asked = requests(4, basket_ids=baskets, history_ids=histories, history_days=[[], [3, 9], [], [3, 9, 20]])
  answer = served.predict("complete_basket", asked)
  kinds = collections.Counter()
  for row, (basket, history) in enumerate(zip(baskets, histories)):
    columns = (answer[name][row] for name in ("product_ids", "reasons", "goes_with_ids", "bought_together"))
    for product, reason, partner, number in zip(*columns):
      own, product, partner = IDS.index(product.decode()), product.decode(), partner.decode()
      kinds[reason] += 1
      if reason == b"again":
        assert (partner, number) == (product, history.count(product))
      elif reason in (b"basket", b"history"):
        assert partner in (basket if reason == b"basket" else history)
        assert number == counts[1][own, IDS.index(partner)] > 0
      else:
        assert (reason, partner, number) == (b"popular", "", 0)
  assert all(kinds[reason] > 3 for reason in (b"basket", b"history", b"popular")), kinds
  assert kinds[b"again"] >= 2, "both of the request without a basket"


def test_combine_holds_size_budget_and_exclusions(served):
  right = truth()
  mains = ["p0000", "p0020", "p0033"]
  sizes, budgets = [1, 2, 3, 4] * 6, [0, 25, 60, 100, 250, 9] * 4
  rows = len(sizes)
  asked = requests(
    rows,
    "combine",
    basket_ids=[[mains[i % 3]] for i in range(rows)],
    exclude_ids=[sorted(right.complements[mains[i % 3]])[:3] if i % 2 else [] for i in range(rows)],
    size=sizes,
    budget=budgets,
  )
  answer = served.predict("combine", asked)
  found = 0
  for row, sets in enumerate(words(answer["set_ids"])):
    for products, prices, total, score in zip(
      sets, answer["set_prices"][row], answer["totals"][row], answer["set_scores"][row]
    ):
      assert total == pytest.approx(prices.sum(), abs=1e-4)
      assert len(products) in (0, sizes[row])
      if products:
        found += 1
        assert not budgets[row] or total <= budgets[row] + 1e-3
        assert score > -1e8
        assert not set(products) & {*asked["basket_ids"][row], *asked["exclude_ids"][row]}
      else:
        assert (total, score) == (0, np.float32(-1e9))
    assert len({frozenset(s) for s in sets if s}) == len([s for s in sets if s])
    assert (np.diff(answer["set_scores"][row]) <= 0).all()
    assert (answer["status"][row] == b"ok") == any(sets)
    np.testing.assert_allclose(
      answer["contributions"][row].sum(axis=-1)[: sum(map(bool, sets))],
      answer["set_scores"][row][: sum(map(bool, sets))],
      atol=1e-4,
    )
  assert found > 60


@pytest.mark.parametrize(
  ("size", "budget", "why"), [(-1, 0, b"ok"), (5, 0, b"size"), (3, 0.01, b"budget"), (2, 0, b"ok")]
)
def test_a_wish_that_nothing_meets_gets_empty_sets_and_the_reason(served, size, budget, why):
  asked = requests(1, "combine", basket_ids=[["p0020"]], size=[size], budget=[budget])
  if size < 0:
    asked["size_max"][:] = 1
  answer = served.predict("combine", asked)
  assert any(words(answer["set_ids"])[0]) == (why == b"ok")
  assert answer["status"][0] == why


def test_ready_made_sets_score_as_generated_ones(served):
  asked = requests(4, "combine", basket_ids=[["p0020"], [], ["p0001", "p0050"], ["p0033"]], size=[3, 2, 4, 3])
  made = served.predict("combine", asked)
  given = {name: asked[name] for name in ("history_ids", "history_days", "basket_ids", "query")}
  sets = np.full([4, 16, 16], "", object)
  sets[:, :5, :4] = made["set_ids"]
  sets[:, 7, :2] = "nothing of ours", "p0020"
  again = served.predict("rank_bundles", given | {"set_ids": sets})
  np.testing.assert_allclose(again["set_scores"][:, :5], made["set_scores"], atol=1e-3)
  np.testing.assert_allclose(again["contributions"][:, :5, :4], made["contributions"], atol=1e-3)
  np.testing.assert_allclose(again["totals"][:, :5], made["totals"], atol=1e-3)
  assert again["unknown"][0].tolist() == [0] * 7 + [2] + [0] * 8, (
    "one is not known, and one lies in the basket"
  )
  assert again["unknown"][1, 7] == 1
  assert (again["set_scores"][:, 8:] == np.float32(-1e9)).all()
