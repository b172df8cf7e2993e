"""The product tower."""

import dataclasses

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.towers.product import ProductTower

PRODUCTS = 10
SEEN = [0, 3, 1, 0, 2, 5, 1, 1, 1, 1]  # orders of each product: 0 and 3 are new


def tower(id_dropout=0.0, shop=None):
  tf.keras.utils.set_random_seed(3)
  made = ProductTower(shop or makers.catalogue(PRODUCTS, blocks=2, orders=SEEN), makers.WIDTH, 8, id_dropout)
  made.build([None])
  made.ids.assign(makers.unit(PRODUCTS, 8, seed=9))  # wide, so that each id shows
  return made


ROWS = tf.range(PRODUCTS)
TEXTS = tf.constant(makers.unit(PRODUCTS, makers.WIDTH))


def test_vectors_are_unit_vectors():
  np.testing.assert_allclose(np.linalg.norm(tower()(ROWS, TEXTS), axis=1), 1, atol=1e-6)


def test_a_product_without_training_orders_ignores_its_id_row():
  made = tower()
  before = made(ROWS, TEXTS).numpy()
  made.ids.assign(makers.unit(PRODUCTS, 8, seed=10))
  moved = np.abs(made(ROWS, TEXTS) - before).max(axis=1) > 1e-3
  np.testing.assert_array_equal(moved, np.array(SEEN) > 0)


def test_a_new_product_is_embedded_as_the_catalogue_would():
  made, shop = tower(), makers.catalogue(PRODUCTS, blocks=2, orders=SEEN)
  new = made.embed_new(TEXTS, tf.constant(shop.categories), tf.constant(shop.prices)).numpy()
  known = made(ROWS, TEXTS).numpy()
  np.testing.assert_allclose(new[[0, 3]], known[[0, 3]], atol=1e-6)
  assert (np.abs(new - known).max(axis=1)[1:3] > 1e-3).all()


def test_dropped_ids_leave_what_is_known_of_the_product():
  made, shop = tower(id_dropout=0.5), makers.catalogue(PRODUCTS, blocks=2, orders=SEEN)
  bare = made.embed_new(TEXTS, tf.constant(shop.categories), tf.constant(shop.prices)).numpy()
  whole = made(ROWS, TEXTS).numpy()
  share = []
  for step in range(40):
    drawn = made(ROWS, TEXTS, training=True, seed=tf.constant([0, step])).numpy()
    dropped = np.isclose(drawn, bare, atol=1e-6).all(axis=1)
    kept = np.isclose(drawn, whole, atol=1e-6).all(axis=1)
    assert (dropped | kept).all()
    share.append(dropped[np.array(SEEN) > 0].mean())
  assert abs(np.mean(share) - 0.5) < 0.14  # five deviations of 320 draws
  np.testing.assert_array_equal(
    made(ROWS, TEXTS, training=True, seed=tf.constant([0, 7])),
    made(ROWS, TEXTS, training=True, seed=tf.constant([0, 7])),
  )


@pytest.mark.parametrize(("id_dropout", "training"), [(0.0, True), (0.9, False)])
def test_no_id_is_dropped(id_dropout, training):
  seed = tf.constant([0, 1])
  np.testing.assert_array_equal(
    tower(id_dropout)(ROWS, TEXTS, training=training, seed=seed), tower()(ROWS, TEXTS)
  )


def test_price_and_category_count_where_they_are_known():
  made = tower()

  def embed(price, category):
    return made.embed_new(TEXTS[:1], tf.constant([category]), tf.constant([price])).numpy()[0]

  vectors = [
    embed(0.0, [0, 0, 0]),
    embed(3.0, [0, 0, 0]),
    embed(0.0, [1, 2, 0]),
    embed(0.0, [1, 3, 0]),
    embed(9.0, [1, 3, 0]),
  ]
  gaps = [np.abs(a - b).max() for i, a in enumerate(vectors) for b in vectors[:i]]
  assert min(gaps) > 1e-3


def test_a_shop_without_prices_and_categories_has_finite_vectors():
  shop = makers.catalogue(PRODUCTS, prices=np.zeros(PRODUCTS), orders=SEEN)
  shop = dataclasses.replace(shop, categories=np.zeros_like(shop.categories), category_names=[""])
  made = tower(shop=shop)
  for texts in (TEXTS, tf.zeros_like(TEXTS)):
    np.testing.assert_allclose(np.linalg.norm(made(ROWS, texts), axis=1), 1, atol=1e-6)


def test_a_shop_of_one_price_takes_a_product_of_another():
  made = tower(shop=makers.catalogue(PRODUCTS, prices=np.full(PRODUCTS, 2.0), orders=SEEN))
  cents = made.embed_new(TEXTS, tf.zeros([PRODUCTS, 3], tf.int32), tf.fill([PRODUCTS], 2.02)).numpy()
  same = made.embed_new(TEXTS, tf.zeros([PRODUCTS, 3], tf.int32), tf.fill([PRODUCTS], 2.0)).numpy()
  assert ((cents * same).sum(axis=1) > 0.95).all(), "a cent more is nearly the same product"


def test_the_gradient_of_nothing_known_is_no_larger_than_others():
  made = tower()
  with tf.GradientTape() as tape:
    vectors = made.embed_new(tf.zeros_like(TEXTS), tf.zeros([PRODUCTS, 3], tf.int32), tf.zeros([PRODUCTS]))
    loss = tf.reduce_mean(vectors[:, 0])
  assert float(tf.norm(tape.gradient(loss, made.out.bias))) < 100


def test_before_any_training_products_of_like_texts_are_near_each_other():
  n, wide = 200, 64
  shop = makers.catalogue(n, blocks=2)
  tf.keras.utils.set_random_seed(3)
  made = ProductTower(shop, wide, 32, 0.0)
  made.build([None])
  texts = np.concatenate([makers.unit(n // 2, wide)] * 2) + 0.02 * makers.unit(n, wide, seed=5)  # twins
  vectors = made.embed_new(
    tf.constant(texts), tf.constant(shop.categories), tf.constant(np.zeros(n, np.float32))
  ).numpy()
  cosines = vectors @ vectors.T - 2 * np.eye(n)
  np.testing.assert_array_equal(cosines.argmax(axis=1), np.roll(np.arange(n), n // 2))
  others = np.sort(cosines, axis=1)[:, :-1]
  assert (cosines.max(axis=1) - others.mean(axis=1)).mean() > 0.8
