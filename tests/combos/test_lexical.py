"""Shared terms of texts, held against bags in Python."""

import collections
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.combos import lexical

TITLES = [
  "Nikon D7000 Camera Case", "Charger for Nikon D7000", "Camera case, black", "Dress black", "Red dress & red shoes", "", "Étui",
]  # fmt: skip


@pytest.fixture(scope="module")
def made():
  return lexical.Lexical(lexical.words_of(TITLES))


def cosine(one, other):
  """Of two bags of terms, by the definition."""
  bags = [set(bag) for bag in lexical.words_of(TITLES)]
  seen = collections.Counter(t for bag in bags for t in bag)
  weight = lambda t: math.log((len(TITLES) + 1) / (seen[t] + 0.5))
  kept = [{t: weight(t) * n for t, n in bag.items() if seen[t] > 1} for bag in (one, other)]
  length = [math.sqrt(sum(w * w for w in bag.values())) for bag in kept]
  return sum(w * kept[1].get(t, 0) for t, w in kept[0].items()) / (length[0] * length[1] or 1)


def test_terms_are_words_and_pairs_without_plurals():
  assert lexical.words_of(["Cases for D7000-glass!", "", "Étuis x"]) == [
    ["case", "for", "d7000", "glass", "case for", "for d7000", "d7000 glass"],
    [],
    ["étui", "x", "étui x"],
  ]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(TITLES) - 1), max_size=4, unique=True))
def test_a_basket_is_the_mean_of_cosines(made, basket):
  rows = list(range(len(TITLES)))
  got = made.basket(makers.padded([basket, []]), tf.constant([[*rows, -1]] * 2, tf.int32)).numpy()
  bags = [collections.Counter(set(bag)) for bag in lexical.words_of(TITLES)]
  expected = [sum(cosine(bags[b], bags[r]) for b in basket) / max(len(basket), 1) for r in rows]
  np.testing.assert_allclose(got, [[*expected, 0], [0] * (len(rows) + 1)], atol=1e-5)


@pytest.mark.parametrize(
  "query", ["cases for a NIKON d7000", "black dress", "nothing of it", "", "case case camera"]
)
def test_a_query_is_a_cosine_with_its_words(made, query):
  rows = list(range(len(TITLES)))
  got = made.query(tf.constant([query]), tf.constant([[*rows, -1]], tf.int32)).numpy()[0]
  asked = collections.Counter(lexical.words_of([query])[0])
  expected = [cosine(asked, collections.Counter(set(bag))) for bag in lexical.words_of(TITLES)]
  np.testing.assert_allclose(got, [*expected, 0], atol=1e-5)


def test_a_rare_term_says_more_than_a_frequent_one():
  made = lexical.Lexical([["new", "d7000"], ["d7000", "x"], ["new", "y"], ["new", "x"], ["new", "y"]])
  rare, frequent = made.basket(makers.padded([[0]]), tf.constant([[1, 2]])).numpy()[0]
  assert rare > frequent > 0


def test_a_shop_whose_products_share_nothing_scores_zero():
  made = lexical.Lexical([["a"], ["b"], []])
  assert not made.basket(makers.padded([[0]]), tf.constant([[0, 1, 2]])).numpy().any()
  assert not made.query(tf.constant(["a"]), tf.constant([[0, 1, 2]])).numpy().any()
