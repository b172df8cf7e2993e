"""Against plain enumeration, then what may not be in a bundle."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluation.made import table
from tests.merchandising.made import catalogue, shop
from tfrec_combo.merchandising import mine
from tfrec_combo.merchandising.mine import holding, mined, rules

PRODUCTS = 7
orders_of = st.lists(
  st.lists(st.integers(0, PRODUCTS - 1), min_size=1, max_size=6, unique=True), min_size=1, max_size=25
)
kinds_of = st.lists(
  st.sampled_from(["", "A > a", "A > b", "B > c", "B > d"]), min_size=PRODUCTS, max_size=PRODUCTS
)


def held_by(orders, bundle):
  return sum(set(bundle) <= set(order) for order in orders)


def enumerated(orders, allowed):
  """Every set whose pairs are all held by enough orders, beyond chance, and may stand together."""
  once = [held_by(orders, [i]) for i in range(PRODUCTS)]
  good = {
    (a, b)
    for a, b in itertools.combinations(range(PRODUCTS), 2)
    if held_by(orders, (a, b)) >= max(allowed.least, 1)
    and held_by(orders, (a, b)) > once[a] * once[b] / len(orders)
    and allowed.apart(a, b)
    and not allowed.bans((a, b))
  }
  sizes = range(allowed.smallest, allowed.largest + 1)
  sets = (b for size in sizes for b in itertools.combinations(range(PRODUCTS), size))
  return {b for b in sets if set(itertools.combinations(b, 2)) <= good and not allowed.bans(b)}


@settings(max_examples=60)
@given(
  orders=orders_of,
  kinds=kinds_of,
  least=st.integers(1, 3),
  smallest=st.integers(2, 3),
  more=st.integers(0, 2),
  banned=st.lists(st.lists(st.integers(0, PRODUCTS - 1), min_size=1, max_size=3, unique=True), max_size=2),
)
def test_what_is_mined_is_what_enumeration_finds(orders, kinds, least, smallest, more, banned):
  allowed = rules(
    catalogue(PRODUCTS, kinds), smallest, smallest + more, least, banned=[tuple(b) for b in banned]
  )
  found, counts = mined(table(orders, PRODUCTS), allowed)
  assert len(found) == len(set(found))
  assert set(found) == enumerated(orders, allowed)
  assert counts.tolist() == [held_by(orders, bundle) for bundle in found]
  assert all(allowed.allow(bundle) for bundle in found)


@given(
  orders=orders_of,
  bundles=st.lists(st.lists(st.integers(0, PRODUCTS - 1), min_size=1, unique=True), max_size=5),
)
def test_orders_that_hold_a_set_are_counted(orders, bundles):
  wanted = [held_by(orders, bundle) for bundle in bundles]
  assert holding(table(orders, PRODUCTS), bundles).tolist() == wanted


def test_blocks_of_products_are_counted_like_all_at_once(monkeypatch):
  log, products, _, _ = shop()
  allowed = rules(products)
  whole = mined(log.earlier, allowed)
  monkeypatch.setattr(mine, "BLOCK", 7)
  parts = mined(log.earlier, allowed)
  assert parts[0] == whole[0]
  np.testing.assert_array_equal(parts[1], whole[1])


def test_of_too_many_pairs_those_furthest_beyond_chance_stay(monkeypatch):
  log, products, _, _ = shop()
  pairs, counts = mined(log.earlier, rules(products, largest=2))
  monkeypatch.setattr(mine, "MOST", 10)
  few, _ = mined(log.earlier, rules(products, largest=2))
  once = np.bincount(log.earlier.indices, minlength=len(products))
  beyond = {b: c - once[b[0]] * once[b[1]] / log.earlier.shape[0] for b, c in zip(pairs, counts)}
  assert sorted(few) == sorted(sorted(beyond, key=beyond.get, reverse=True)[:10])


@pytest.mark.parametrize(
  ("categories", "texts", "depth", "apart"),
  [
    (["A > a", "A > a"], ["tea cup", "oil lamp"], 99, False),
    (["A > a", "A > b"], ["tea cup", "tea cup"], 99, True),  # the shop tells them apart
    (["A > a", "A > b"], ["tea cup", "oil lamp"], 1, False),
    (["A > a", "A > a"], ["tea cup", "oil lamp"], 0, True),
    (["A > a", "A > a"], ["red tea cup", "Blue tea cup tea"], 0, True),  # 2 of 4 words
    (["A > a", ""], ["red tea cup small", "blue tea cup small"], 99, False),  # 3 of 5
    (["", ""], ["red tea cup", "oil lamp"], 99, True),
    (["", ""], ["", ""], 99, True),  # nothing is known
  ],
)
def test_substitutes_are_of_one_category_or_of_common_words(categories, texts, depth, apart):
  assert rules(catalogue(2, categories, texts), depth=depth).apart(0, 1) == apart


def test_a_bundle_is_allowed_by_size_bans_and_substitutes():
  allowed = rules(catalogue(5, ["A", "A", "B", "C", "D"]), 2, 3, banned=[(4,), (2, 3)])
  assert allowed.allow((0, 2))
  assert not allowed.allow((0, 1))
  assert not allowed.allow((0, 4))
  assert not allowed.allow((0, 2, 3))
  assert not allowed.allow((0,))
  assert dataclasses.replace(allowed, smallest=1).allow((0,))
