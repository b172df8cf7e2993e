"""The set generator against the enumeration of every set."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.generator import NEVER, SetGenerator

P, M, C = 9, 4, 3


@functools.cache
def search(pool=P, beam=16, sets=C, most=M, pair_weight=1.0):
  generator = SetGenerator(pool, beam, sets, most, pair_weight)
  return tf.function(generator.__call__, reduce_retracing=True)


def run(scores, affinity, prices, valid, size, budget, **made):
  given = [
    *(tf.constant(np.asarray(x, np.float32)) for x in (scores, affinity, prices)),
    tf.constant(np.asarray(valid, bool)),
    tf.constant(np.asarray(size, np.int32)),
    tf.constant(np.asarray(budget, np.float32)),
  ]
  found = search(**made)(*given)
  members = [[[int(p) for p in s if p >= 0] for s in row] for row in found.members.numpy()]
  return members, found.scores.numpy()


def shops(rng, rows, pool=P, cents=True):
  """Random pools: worths as of a softmax, affinities of both signs, some unknown prices, some products unusable."""
  scores = np.sort(np.exp(-rng.exponential(1.5, [rows, pool])))[:, ::-1]
  half = rng.normal(0, 0.4, [rows, pool, pool])
  affinity = np.triu(half, 1) + np.triu(half, 1).transpose(0, 2, 1)
  prices = rng.integers(50, 2000, [rows, pool]) / 100 if cents else rng.uniform(1, 50, [rows, pool])
  prices[rng.random([rows, pool]) < 0.1] = 0
  return scores, affinity, prices, rng.random([rows, pool]) < 0.9


def worth(members, scores, affinity, pair_weight=1.0):
  pairs = sum(affinity[i, j] for i, j in itertools.combinations(members, 2))
  return scores[list(members)].sum() + pair_weight / max(len(members) - 1, 1) * pairs


def allowed(members, prices, valid, budget):
  """Prices are whole cents, so integers decide."""
  cents = [round(prices[i] * 100) for i in members]
  return all(valid[i] for i in members) and (
    budget <= 0 or (all(c > 0 for c in cents) and sum(cents) <= round(budget * 100))
  )


def every(scores, affinity, prices, valid, size, budget):
  """Each set that holds the constraints, the best first."""
  sets = [s for s in itertools.combinations(range(len(scores)), size) if allowed(s, prices, valid, budget)]
  return sorted(sets, key=lambda s: -worth(s, scores, affinity))


def test_sets_hold_the_constraints_and_are_nearly_the_best_of_all():
  rng = np.random.default_rng(0)
  rows = 300
  scores, affinity, prices, valid = shops(rng, rows)
  size = rng.integers(1, M + 1, rows)
  budget = np.where(rng.random(rows) < 0.3, 0, np.round(rng.uniform(1, 40, rows), 2))
  found, values = run(scores, affinity, prices, valid, size, budget)
  best, ratio, infeasible = [], [], 0
  for i in range(rows):
    row = (scores[i], affinity[i], prices[i], valid[i])
    right = every(*row, size[i], budget[i])
    made = [tuple(s) for s in found[i] if s]
    infeasible += not right
    assert len(made) == min(C, len(right)), "as many sets as there are, or C"
    assert len({frozenset(s) for s in made}) == len(made)
    for s, value in zip(found[i], values[i]):
      if not s:
        assert value == np.float32(NEVER)
        continue
      assert len(s) == size[i] == len(set(s))
      assert allowed(s, prices[i], valid[i], budget[i])
      assert value == pytest.approx(worth(s, scores[i], affinity[i]), abs=1e-5)
    assert list(values[i]) == sorted(values[i], reverse=True)
    if right:
      top = worth(right[0], scores[i], affinity[i])
      best.append(set(made[0]) == set(right[0]))
      ratio.append((worth(made[0], scores[i], affinity[i])) / top if top > 0 else 1)
  assert infeasible > 10, "some requests have no answer"
  assert np.mean(best) >= 0.95
  assert np.mean(ratio) >= 0.99


@settings(max_examples=60)
@given(
  cents=st.lists(st.integers(0, 400), min_size=P, max_size=P),
  budget=st.integers(0, 900),
  size=st.integers(-1, M + 2),
  usable=st.lists(st.booleans(), min_size=P, max_size=P),
)
def test_a_set_is_found_exactly_where_there_is_one(cents, budget, size, usable):
  scores, affinity = np.linspace(1, 0.1, P), np.zeros([P, P])
  prices = np.array(cents) / 100
  # A narrow beam would run into dead ends if it did not look ahead.
  found, _ = run([scores], [affinity], [prices], [usable], [size], [budget / 100], beam=C)
  possible = 1 <= size <= M and bool(every(scores, affinity, prices, usable, size, budget / 100))
  assert bool(found[0][0]) == possible
  for s in found[0]:
    assert not s or (len(s) == size and allowed(s, prices, usable, budget / 100))


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
def test_budgets_hold_to_the_cent(prices, budget, fits):
  pool = len(prices)
  found, _ = run(
    [[1.0] * pool],
    [np.zeros([pool, pool])],
    [prices],
    [[True] * pool],
    [pool],
    [budget],
    pool=pool,
    most=pool,
    beam=4,
  )
  assert bool(found[0][0]) == fits


def test_a_pool_smaller_than_the_largest_set():
  found, _ = run(
    np.ones([4, 2]), np.zeros([4, 2, 2]), np.ones([4, 2]), np.ones([4, 2]), [1, 2, 3, 4], [0] * 4, pool=2
  )
  assert [sorted(map(sorted, row)) for row in found] == [[[], [0], [1]], [[], [], [0, 1]], [[]] * 3, [[]] * 3]


def test_rows_do_not_know_of_each_other():
  scores, affinity, prices, valid = shops(np.random.default_rng(1), 8)
  size, budget = np.array([1, 2, 3, 4, 4, 3, 9, 0]), np.array([0, 20, 30, 0, 40, 5, 0, 0])
  whole, values = run(scores, affinity, prices, valid, size, budget)
  for i in range(8):
    one = slice(i, i + 1)
    alone, value = run(scores[one], affinity[one], prices[one], valid[one], size[one], budget[one])
    assert alone[0] == whole[i]
    np.testing.assert_allclose(value[0], values[i], rtol=1e-6)


def test_the_order_of_the_pool_does_not_matter():
  rng = np.random.default_rng(2)
  scores, affinity, prices, valid = shops(rng, 40)
  size, budget = rng.integers(1, M + 1, 40), rng.choice([0, 15, 30], 40)
  found, values = run(scores, affinity, prices, valid, size, budget)
  order = rng.permutation(P)
  shuffled = (scores[:, order], affinity[:, order][:, :, order], prices[:, order], valid[:, order])
  again, same = run(*shuffled, size, budget)
  np.testing.assert_allclose(same, values, atol=1e-5)
  back = [[{int(order[p]) for p in s} for s in row] for row in again]
  assert back == [[set(s) for s in row] for row in found]


def test_pairs_count_by_their_weight():
  scores, prices, valid = [[1.0, 0.9, 0.1]], np.ones([1, 3]), np.ones([1, 3])
  affinity = np.zeros([1, 3, 3])
  affinity[0, 0, 2] = affinity[0, 2, 0] = 1.0  # the weakest product goes with the best one
  chosen = [
    run(scores, affinity, prices, valid, [2], [0], pool=3, most=2, beam=4, pair_weight=w)[0][0][0]
    for w in (0.0, 1.0)
  ]
  assert chosen == [[0, 1], [0, 2]]


def test_a_narrow_beam_still_answers_every_set():
  found, _ = run(
    [[3.0, 2.0, 1.0]], np.zeros([1, 3, 3]), np.ones([1, 3]), np.ones([1, 3]), [1], [0], pool=3, beam=1
  )
  assert found == [[[0], [1], [2]]]
