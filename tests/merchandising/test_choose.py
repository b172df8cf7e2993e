"""Limits hold whatever is asked; pins, then value, say what comes in."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrec_combo.merchandising.choose import ACCEPTED, PINNED, PROPOSED, Limits, choose

bundles = st.lists(st.integers(0, 9), min_size=2, max_size=4, unique=True).map(lambda b: tuple(sorted(b)))


@given(
  candidates=st.lists(bundles, max_size=30, unique=True),
  accepted=st.lists(bundles, max_size=3, unique=True),
  pins=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=2, unique=True).map(tuple), max_size=3),
  count=st.integers(1, 8),
  overlap=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
  per_product=st.integers(1, 3),
  seed=st.integers(0, 99),
)
def test_limits_hold(candidates, accepted, pins, count, overlap, per_product, seed):
  values = np.random.default_rng(seed).normal(size=len(candidates))
  found = choose(candidates, values, Limits(count, overlap, per_product), accepted, pins)
  taken = found.bundles
  assert [b for b, why in taken if why == ACCEPTED] == accepted
  assert len(taken) <= max(count, len(accepted))
  for i, (bundle, why) in enumerate(taken):
    if why == ACCEPTED:
      continue
    assert bundle in candidates
    assert why == PINNED or values[candidates.index(bundle)] > 0
    for other, _ in taken[:i]:
      assert len(set(bundle) & set(other)) <= overlap * min(len(bundle), len(other))
    for product in bundle:
      assert sum(product in other for other, _ in taken[: i + 1]) <= per_product
  for pin in pins:
    met = any(set(pin) <= set(bundle) for bundle, _ in taken)
    assert met != (pin in found.unmet)
  if len(taken) < count:  # whatever could still come in is worth nothing
    for bundle, value in zip(candidates, values):
      if value > 0 and all(bundle != b for b, _ in taken):
        near = [b for b, _ in taken if len(set(bundle) & set(b)) > overlap * min(len(bundle), len(b))]
        full = [p for p in bundle if sum(p in b for b, _ in taken) >= per_product]
        assert near or full


def test_the_most_valuable_come_first_and_the_list_is_no_longer_than_asked():
  candidates = [(0, 1), (2, 3), (4, 5), (6, 7)]
  found = choose(candidates, np.array([1.0, 3, 0, 2]), Limits(2, 0.0, 1))
  assert found.bundles == [((2, 3), PROPOSED), ((6, 7), PROPOSED)]
  assert choose(candidates, np.array([1.0, 3, 0, 2]), Limits(9, 0.0, 1)).bundles[-1] == ((0, 1), PROPOSED)


def test_a_pin_takes_the_best_bundle_that_holds_it_even_one_of_no_value():
  candidates = [(0, 1), (0, 2), (3, 4), (5, 6)]
  values = np.array([2.0, 3.0, 9.0, -1.0])
  found = choose(candidates, values, Limits(3, 0.5, 3), pins=[(0,), (5, 6), (3, 9)])
  assert found.bundles == [((0, 2), PINNED), ((5, 6), PINNED), ((3, 4), PROPOSED)]
  assert found.unmet == [(3, 9)]
  made = choose(candidates, values, Limits(3, 0.5, 3), pins=[(3, 9)], made_for=lambda pin: [(3, 9)])
  assert made.bundles[0] == ((3, 9), PINNED)
  assert not made.unmet


def test_an_accepted_bundle_meets_a_pin_and_makes_others_give_way():
  found = choose([(0, 1), (1, 2)], np.array([5.0, 4.0]), Limits(3, 0.0, 1), accepted=[(0, 3)], pins=[(3,)])
  assert found.bundles == [((0, 3), ACCEPTED), ((1, 2), PROPOSED)]


@pytest.mark.parametrize("accepted", [[(0, 1), (0, 1, 2), (0, 1, 3)]])
def test_what_was_accepted_stays_whatever_it_shares(accepted):
  found = choose([(4, 5)], np.ones(1), Limits(2, 0.0, 1), accepted)
  assert [b for b, _ in found.bundles] == accepted
  assert all(len(set(a) & set(b)) == 2 for a, b in itertools.combinations(accepted, 2))
