"""Queries made from the catalogue: who gets one, what it says, and what is then asked for."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.towers.pseudo_query import PseudoQueries
from tfrec_combo.towers.text_table import FrozenTexts

SEED = tf.constant([1, 2])


@pytest.fixture(scope="module")
def shop():
  """Eight products in two categories, 0 to 3 and 4 to 7; a text vector of its own for each product and category."""
  catalogue = makers.catalogue(8, blocks=2)
  vectors = makers.unit(8 + len(catalogue.category_names), 6, seed=3)
  return catalogue, FrozenTexts(vectors[:8], (), np.zeros([0, 6]), vectors[8:])


def made(shop, targets, queries=None, share=1.0, seed=SEED):
  catalogue, texts = shop
  rows = makers.padded(targets, 4)
  queries = tf.zeros([len(targets), 6]) if queries is None else queries
  words, asked = PseudoQueries(catalogue, share, seed=0)(queries, rows, texts, seed)
  return words.numpy(), asked.numpy()


def test_words_are_of_the_category_or_of_another_product_in_it(shop):
  _, texts = shop
  words, _ = made(shop, [[1, 5]] * 200)
  category = texts.categories.numpy()[2]
  products = texts.products.numpy()
  named = np.isclose(words, category).all(axis=1)
  like = np.array([[np.isclose(w, p).all() for p in products] for w in words])
  assert (
    named | like[:, [0, 2, 3]].any(axis=1)
  ).all()  # never product 1 itself, nor one of the other category
  assert (
    0.55 < named.mean() < 0.8
  )  # the top level, a third of the draws, says too little: a product speaks there


def test_only_what_was_asked_for_stays_a_target(shop):
  _, asked = made(shop, [[1, 5, 2, 6], [6, 0]])
  assert asked.tolist() == [[1, -1, 2, -1], [6, -1, -1, -1]]


def test_a_request_with_words_of_its_own_keeps_them_and_its_targets(shop):
  own = tf.constant(makers.unit(1, 6, seed=9))
  words, asked = made(shop, [[1, 5]], queries=own)
  np.testing.assert_array_equal(words, own)
  assert asked.tolist() == [[1, 5, -1, -1]]


def test_the_share_of_requests_is_that_of_the_setting(shop):
  words, _ = made(shop, [[1, 5]] * 2000, share=0.25)
  assert 0.2 < (words != 0).any(axis=1).mean() < 0.3
  words, asked = made(shop, [[1, 5]] * 20, share=0.0)
  assert not words.any()
  assert (asked[:, :2] == [1, 5]).all()


def test_the_draw_depends_on_the_seed_alone(shop):
  first, again = (made(shop, [[1, 5]] * 50, share=0.5)[0] for _ in range(2))
  other = made(shop, [[1, 5]] * 50, share=0.5, seed=tf.constant([1, 3]))[0]
  np.testing.assert_array_equal(first, again)
  assert (first != other).any()


def test_without_categories_and_targets_nothing_breaks(shop):
  catalogue = makers.catalogue(3)
  catalogue.categories[:] = 0
  words, asked = PseudoQueries(catalogue, 1.0, 0)(
    tf.zeros([2, 6]), makers.padded([[2, 1], []], 2), shop[1], SEED
  )
  np.testing.assert_allclose(words[0], shop[1].products[2])  # its own text: there is no neighbour
  assert asked.numpy().tolist() == [[2, -1], [-1, -1]]
  assert not words.numpy()[1].any()
