"""The search for sets against the enumeration of every set, and its rules over ten thousand random requests."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.sets.pool import places, same_group
from tfrec_combo.combos.sets.search import NEVER, Rules, SetSearch

P, M, C = 9, 4, 3
WIDE = {"pool": 24, "beam": 8, "most": 5, "sets": 4}


@functools.cache
def search(pool=P, beam=16, sets=C, most=M):
  searching = SetSearch(pool, beam, sets, most)

  def call(worth, fit, diversity, groups, one_each, **rules):
    return searching(worth, fit, Rules(same=same_group(groups, one_each), **rules), diversity)

  return tf.function(call, reduce_retracing=True)


def run(shop, **made):
  """Members of each answered set, [] for none, and scores."""
  kinds = {
    "usable": bool,
    "required": bool,
    "one_each": bool,
    "least": np.int32,
    "most": np.int32,
    "groups": np.int32,
  }
  given = {n: tf.constant(np.asarray(v, kinds.get(n, np.float32))) for n, v in shop.items()}
  found = search(**made)(**given)
  return [[[int(p) for p in s if p >= 0] for s in row] for row in found.members.numpy()], found.scores.numpy()


def shops(rng, rows, pool=P, most=M, wishes=True):
  """Random pools: worths as log odds, fits of both signs, some unknown prices, some products unusable, and all wishes."""
  half = np.triu(rng.normal(0, 1, [rows, pool, pool]), 1)
  prices = rng.integers(50, 2000, [rows, pool]) / 100
  prices[rng.random([rows, pool]) < 0.1] = 0
  low = rng.integers(1, most + 1, rows)
  chance = lambda share: rng.random(rows) < share * wishes
  return {
    "worth": np.sort(rng.normal(-0.5, 1.5, [rows, pool]), axis=1)[:, ::-1],
    "fit": half + half.transpose(0, 2, 1),
    "prices": prices,
    "usable": rng.random([rows, pool]) < 0.9,
    "required": (rng.random([rows, pool]) < 0.12) & chance(0.5)[:, None],
    "groups": rng.integers(0, 5, [rows, pool]),
    "one_each": chance(0.4),
    "least": low,
    "most": np.minimum(low + rng.integers(0, 3, rows), most + chance(0.1)),
    "budget": np.where(chance(0.6), np.round(rng.uniform(1, 40, rows), 2), 0),
    "diversity": np.where(chance(0.3), rng.choice([0.2, 1.0], rows), 0),
  }


def row_of(shop, i):
  return {name: value[i] for name, value in shop.items()}


def value(members, row):
  pairs = sum(row["fit"][i, j] for i, j in itertools.combinations(members, 2))
  return row["worth"][list(members)].sum() + pairs / max(len(members) - 1, 1)


def holds(members, row, most=M):
  """Whether a set keeps every rule; prices are whole cents, so integers decide."""
  cents = [round(row["prices"][i] * 100) for i in members]
  groups = [row["groups"][i] for i in members if row["groups"][i] > 0]
  return (
    max(row["least"], 1) <= len(members) <= min(row["most"], most)
    and all(row["usable"][i] for i in members)
    and set(np.flatnonzero(row["required"])) <= set(members)
    and (not row["one_each"] or len(set(groups)) == len(groups))
    and (row["budget"] <= 0 or (all(c > 0 for c in cents) and sum(cents) <= round(row["budget"] * 100)))
  )


def every(row, most=M):
  """Each set that keeps the rules, the best first."""
  pool = range(len(row["worth"]))
  sets = [s for n in range(1, most + 1) for s in itertools.combinations(pool, n) if holds(s, row, most)]
  return sorted(sets, key=lambda s: -value(s, row))


def test_sets_keep_the_rules_and_are_nearly_the_best_of_all():
  rows = 300
  shop = shops(np.random.default_rng(0), rows)
  found, scores = run(shop)
  best, short, infeasible = [], [], 0
  for i in range(rows):
    row = row_of(shop, i)
    right = every(row)
    made = [tuple(s) for s in found[i] if s]
    infeasible += not right
    assert bool(made) == bool(right), "a set is found exactly where there is one"
    assert len({frozenset(s) for s in made}) == len(made)
    for s, score in zip(found[i], scores[i]):
      assert score == (pytest.approx(value(s, row), abs=1e-4) if s else np.float32(NEVER))
      assert not s or holds(s, row)
    if right and row["diversity"] == 0:
      assert list(scores[i]) == sorted(scores[i], reverse=True)
      assert len(made) == min(C, len(right)), "as many sets as there are, or C"
      best.append(set(made[0]) == set(right[0]))
      top, worst = value(right[0], row), value(right[-1], row)
      short.append((top - scores[i][0]) / max(top - worst, 1e-6))
  assert infeasible > 10, "some requests have no answer"
  assert np.mean(best) >= 0.95
  assert np.mean(short) <= 0.01


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), pool=st.just(P), beam=st.just(16))
def test_the_default_beam_on_drawn_catalogues(seed, pool, beam):
  row = row_of(shops(np.random.default_rng(seed), 1), 0) | {"diversity": np.float64(0)}
  found, scores = run({name: np.asarray([v]) for name, v in row.items()})
  right = every(row)
  assert bool(found[0][0]) == bool(right)
  if right:
    top, worst = value(right[0], row), value(right[-1], row)
    assert scores[0][0] >= top - 0.25 * (top - worst) - 1e-4


def test_ten_thousand_requests_break_no_rule():
  rng, rows, pool = np.random.default_rng(5), 500, 24
  answered = 0
  for _ in range(20):
    shop = shops(rng, rows, pool, 5)
    found, _ = run(shop, **WIDE)
    for i, sets in enumerate(found):
      made = [s for s in sets if s]
      answered += bool(made)
      assert all(holds(s, row_of(shop, i), 5) for s in made)
      assert all(len(set(s)) == len(s) for s in made)
      assert len({frozenset(s) for s in made}) == len(made)
  assert 5000 < answered < 10_000


def plain(rows=1, pool=P, **given):
  """Products of one worth, that fit as well or ill with any, and no wishes but two to a set."""
  shop = {
    "worth": np.ones([rows, pool]),
    "fit": np.zeros([rows, pool, pool]),
    "prices": np.ones([rows, pool]),
    "usable": np.ones([rows, pool]),
    "required": np.zeros([rows, pool]),
    "groups": np.zeros([rows, pool]),
    "one_each": np.zeros(rows),
    "least": np.full(rows, 2),
    "most": np.full(rows, 2),
    "budget": np.zeros(rows),
    "diversity": np.zeros(rows),
  }
  return shop | {name: np.asarray(v) for name, v in given.items()}


@pytest.mark.parametrize(
  ("prices", "budget", "fits"),
  [
    ((9.99, 0.01), 10, True),
    ((9.99, 0.02), 10, False),
    ((0.1, 0.2), 0.3, True),
    ((33.33, 66.67), 100, True),
    ((1999.99, 0.02), 2000, False),
    ((9999.99, 0.01), 10000, True),
    ((9999.99, 0.02), 10000, False),
    ((0.1,) * 10, 1, True),
    ((1111.11,) * 9, 9999.99, True),
    ((1111.11,) * 8 + (1111.12,), 9999.99, False),
    ((5, 0), 10, False),  # an unknown price fits no budget
    ((5, 0), 0, True),  # and is as good as another where there is none
    ((5, 5), -1, True),
    ((7, 7), 14, True),
    ((7, 8), 14, False),
  ],
)
@pytest.mark.parametrize("required", [False, True])
def test_budgets_hold_to_the_cent(prices, budget, fits, required):
  pool, size = 10, len(prices)
  padded = np.zeros([3, 1, pool])
  padded[0, 0, :size] = prices
  padded[1:, 0, :size] = 1
  padded[2, 0, size - 1 :] = 0
  wishes = {"budget": [budget], "least": [size], "most": [size], "required": padded[2] * required}
  found, _ = run(plain(pool=pool, prices=padded[0], usable=padded[1], **wishes), pool=pool, most=pool, beam=4)
  assert bool(found[0][0]) == fits


@settings(max_examples=60)
@given(
  cents=st.lists(st.integers(1, 400), min_size=P, max_size=P),
  budget=st.integers(0, 900),
  size=st.integers(1, M),
  groups=st.lists(st.integers(0, 3), min_size=P, max_size=P),
)
def test_a_narrow_beam_finds_a_set_wherever_there_is_one(cents, budget, size, groups):
  # The worst products are the cheapest: a beam that did not look ahead would run into dead ends.
  prices = np.sort(np.array(cents))[::-1] / 100
  worth = np.linspace(3, -3, P)
  wishes = {"least": [size], "most": [size], "budget": [budget / 100], "one_each": [True], "groups": [groups]}
  shop = plain(worth=[worth], prices=[prices], **wishes)
  found, _ = run(shop, beam=C)
  assert bool(found[0][0]) == bool(every(row_of(shop, 0)))


def test_the_size_is_what_is_worth_most():
  # Two that are worth having, and others that are not.
  worth, usable = [[1.0, 0.5, -0.1, -2.0, *[0] * 5]], [[1] * 4 + [0] * 5]
  found = lambda least, most, fit=0.0: run(
    plain(worth=worth, usable=usable, fit=[fit * (1 - np.eye(P))], least=[least], most=[most])
  )[0][0][0]
  assert found(1, 4) == [0, 1]
  assert found(3, 4) == [0, 1, 2]
  assert found(1, 1) == [0]
  assert found(1, 4, fit=1.0) == [0, 1, 2], "each fits the mean of the others by 1"
  assert found(1, 4, fit=-1.2) == [0]


def test_diversity_shares_fewer_products_between_sets():
  rng = np.random.default_rng(3)
  shop = shops(rng, 60, pool=24, wishes=False) | {"least": np.full(60, 3), "most": np.full(60, 3)}
  shared, first = [], None
  for diversity in (0.0, 0.3, 1.0):
    found, scores = run(shop | {"diversity": np.full(60, diversity)}, **WIDE)
    overlap = [len(set(a) & set(b)) for row in found for a, b in itertools.combinations(row, 2)]
    shared.append(np.mean(overlap))
    first = scores[:, 0] if first is None else first
    np.testing.assert_allclose(scores[:, 0], first, atol=1e-5)
  assert shared[0] > shared[1] > shared[2]
  assert shared[2] == 0, "24 products make four sets of three that share nothing"


def test_the_best_sets_are_the_same_beside_a_row_that_asks_for_diversity():
  shop = shops(np.random.default_rng(4), 6)
  shop["diversity"] = np.array([0, 0, 0, 0, 0, 1.0])
  mixed, _ = run(shop)
  alone, _ = run({name: v[:5] for name, v in shop.items()})
  assert mixed[:5] == alone


def test_rows_do_not_know_of_each_other():
  shop = shops(np.random.default_rng(1), 12)
  whole, values = run(shop)
  for i in range(12):
    alone, one = run({name: v[i : i + 1] for name, v in shop.items()})
    assert alone[0] == whole[i]
    np.testing.assert_allclose(one[0], values[i], rtol=1e-5)


def test_the_order_of_the_pool_does_not_matter():
  rng = np.random.default_rng(2)
  shop = shops(rng, 40)
  order = rng.permutation(P)
  _, scores = run(shop)
  shuffled = {n: v if np.ndim(v) == 1 else v[:, order] for n, v in shop.items()}
  shuffled["fit"] = shop["fit"][:, order][:, :, order]
  plain_rows = shop["diversity"] == 0
  np.testing.assert_allclose(run(shuffled)[1][plain_rows], scores[plain_rows], atol=1e-4)


def test_a_pool_smaller_than_the_largest_set_and_a_beam_narrower_than_the_sets():
  sizes = [1, 2, 3, 4]
  found, _ = run(plain(4, pool=2, least=sizes, most=sizes), pool=2)
  assert [sorted(map(sorted, row)) for row in found] == [[[], [0], [1]], [[], [], [0, 1]], [[]] * 3, [[]] * 3]
  found, _ = run(plain(pool=3, worth=[[3.0, 2.0, 1.0]], least=[1], most=[1]), pool=3, beam=1)
  assert found == [[[0], [1], [2]]]


def kept(rows=1, count=4, size=2, **given):
  shop = plain(rows, 8, **given)
  asked = (shop["worth"], shop["prices"]), (shop["usable"], shop["required"]), shop["groups"]
  values, flags, groups = asked
  return (
    places(
      *(tf.constant(np.asarray(v, np.float32)) for v in values),
      *(tf.constant(np.asarray(v, bool)) for v in flags),
      tf.constant(np.asarray(groups, np.int32)),
      tf.constant(np.asarray(shop["one_each"], bool)),
      tf.constant(np.asarray(shop["budget"], np.float32)),
      count,
      size,
    )
    .numpy()[0]
    .tolist()
  )


def test_the_pool_holds_the_best_what_is_required_and_what_makes_a_set_possible():
  worth = [np.arange(8, 0, -1.0)]
  assert kept(worth=worth) == [0, 1, 2, 3]
  assert kept(worth=worth, required=[[0] * 7 + [1]]) == [0, 1, 2, 7]
  # The two cheapest are the worst: under a budget they are there.
  prices = [[9, 9, 9, 9, 9, 9, 1, 1]]
  assert kept(worth=worth, prices=prices, budget=[10]) == [0, 1, 6, 7]
  assert kept(worth=worth, prices=prices) == [0, 1, 2, 3]
  # One of each category: the second category's best is the sixth.
  groups = [[1, 1, 1, 1, 1, 2, 2, 2]]
  assert kept(worth=worth, groups=groups, one_each=[True]) == [0, 1, 2, 5]
  assert kept(worth=worth, usable=[[0, 1, 1, 1, 1, 1, 1, 1]]) == [1, 2, 3, 4]
