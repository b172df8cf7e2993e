"""What is known of two products: a small shop whose complements and substitutes are known."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.combos.candidates import Candidates
from tfrec_combo.combos.co_purchase import count, order_matrix
from tfrec_combo.combos.features import Features
from tfrec_combo.combos.sets.pairs import NAMES, both_ways, own_held, pairs, together

# Two cameras, two bags, two teas: one camera and one bag an order, or both teas; nobody takes two cameras or two bags.
CAMERA, CAMERA2, BAG, BAG2, TEA, TEA2, NEVER_SEEN = range(7)
ORDERS = (
  [[c, b] for c in (CAMERA, CAMERA2) for b in (BAG, BAG2)] * 10 + [[TEA, TEA2]] * 40 + [[TEA], [BAG2, TEA2]]
)


def shop(orders=ORDERS, neighbours=6, products=7):
  catalogue = makers.catalogue(products, blocks=products)
  # Leaf categories of the pairs; the last product has none.
  catalogue.categories[:, 1] = [2, 2, 3, 3, 4, 4, 0]
  catalogue.categories[-1] = 0
  texts = np.eye(4, dtype=np.float32)[[0, 0, 1, 1, 2, 2, 3]]
  texts[TEA2] = [0, 0, 0.8, 0.6]  # of one category, but another thing
  vectors = np.eye(products, 8, dtype=np.float32)  # the towers say nothing
  counts = Candidates(5, np.zeros(products, np.int32), neighbours, 0.0)
  learnt = count(order_matrix([np.array(o) for o in orders], products), neighbours, 0.0)
  counts.learn(learnt)
  features = Features(catalogue, vectors, texts)
  features.learn(learnt, 0.0)
  return features, counts


def between(rows, others=None, request=None, **made):
  features, counts = shop(**made)
  request = request or makers.request()
  rows = makers.padded([rows])
  found = pairs(rows, rows if others is None else makers.padded([others]), request, features, counts)
  named = dict(zip(NAMES, np.moveaxis(found.values.numpy()[0], -1, 0)))
  return named, found.variants.numpy()[0]


def test_complements_are_bought_together_more_often_than_chance_and_substitutes_less():
  named, variants = between([CAMERA, CAMERA2, BAG, BAG2, TEA, TEA2])
  lift = named["lift"]
  for camera in (0, 1):
    for bag in (2, 3):
      assert lift[camera, bag] > 0.1
  assert lift[0, 1] < -0.3
  assert lift[2, 3] < -0.3
  assert lift[4, 5] > 0.1, "things of one category that are somewhat alike, which orders hold together"
  assert lift[0, 4] < -0.3, "often bought, never together"
  # Near-equal texts of one leaf, popular both and never in one order.
  assert {(0, 1), (2, 3)} == {(i, j) for i, j in np.argwhere(variants) if i < j}
  np.testing.assert_array_equal(named["count"][0, 2:4], np.log1p([10, 10]).astype(np.float32))
  assert named["kinds"][0, 2] > named["kinds"][0, 4] == 0


def test_a_pair_reads_the_same_from_either_side_and_a_product_is_no_pair_with_itself():
  named, variants = between(
    [CAMERA, -1, BAG, TEA, TEA2], request=makers.request([[]], [[0, 2, 5]], [[1, 1, 9]])
  )
  for name, values in named.items():
    np.testing.assert_allclose(values, values.T, atol=1e-6, err_msg=name)
    assert not np.diag(values).any()
    assert not values[1].any(), "a pad"
  assert not np.diag(variants).any()


def test_a_pair_without_evidence_is_doubtful_and_one_outside_full_lists_unknown():
  named, _ = between([CAMERA, TEA, NEVER_SEEN])
  assert named["doubt"][0, 2] == 1
  assert named["doubt"][0, 1] < 0.1
  # Each product has one neighbour kept: of the cameras a bag, of the teas each other.
  named, _ = between([CAMERA, BAG, TEA, BAG2], neighbours=1)
  assert named["known"][0].tolist() == [0, 1, 0, 1]
  assert named["lift"][0, 2] == 0
  # A product bought alone keeps an empty list: what it was not seen with, it does not go with.
  alone = [[CAMERA]] * 50 + [[TEA, TEA2]] * 50
  assert between([CAMERA, TEA], neighbours=1, orders=alone)[0]["lift"][0, 1] < -0.3


def test_counts_are_those_of_the_orders_by_the_neighbours_of_either():
  _, counts = shop()
  rows, others = makers.padded([[CAMERA, TEA2, -1]]), makers.padded([[BAG, BAG2, TEA, -1]])
  number, known = together(rows, others, counts)
  np.testing.assert_array_equal(number.numpy()[0], [[10, 10, 0, 0], [0, 1, 40, 0], [0, 0, 0, 0]])
  assert known.numpy()[0, :2, :3].all()
  _, few = shop(neighbours=1)
  # TEA2 keeps TEA alone, and BAG2 keeps a camera: neither knows of the order that holds both.
  one = both_ways(makers.padded([[TEA2]]), makers.padded([[BAG2, TEA]]), few)[0].numpy()[0]
  np.testing.assert_array_equal(one, [[0, 40]])


def test_a_shop_without_texts_and_categories_has_no_variants():
  features, counts = shop()
  features.texts.assign(np.zeros_like(features.texts))
  features.leaf.assign(np.zeros_like(features.leaf))
  rows = makers.padded([[CAMERA, CAMERA2]])
  assert not pairs(rows, rows, makers.request(), features, counts).variants.numpy().any()


def test_own_orders_that_held_both():
  # Orders of the days 1 (camera, bag), 5 (camera, bag, tea) and 9 (camera).
  request = makers.request([[]], [[CAMERA, BAG, CAMERA, BAG, TEA, CAMERA]], [[1, 1, 5, 5, 5, 9]])
  held = own_held(makers.padded([[CAMERA, TEA, BAG2]]), request).numpy()[0]
  np.testing.assert_array_equal(held[:, :4], [[1, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
  named, _ = between([CAMERA], [BAG, TEA, BAG2], request=request)
  np.testing.assert_allclose(named["own_orders"][0], np.log1p([2, 1, 0]), rtol=1e-6)
  np.testing.assert_allclose(named["own_cosine"][0], [2 / np.sqrt(6), 1 / np.sqrt(3), 0], rtol=1e-6)


@pytest.mark.parametrize("name", ["price", "text", "tower"])
def test_what_products_say_of_themselves(name):
  features, counts = shop()
  features.vectors.assign(makers.unit(7, 8))
  rows = makers.padded([[CAMERA, TEA2, TEA]])
  found = pairs(rows, rows, makers.request(), features, counts).values.numpy()[0, ..., NAMES.index(name)]
  places = [CAMERA, TEA2, TEA]
  if name == "price":
    logs = features.log_price.numpy()[places]
    right = np.abs(logs[:, None] - logs[None, :])
  else:
    vectors = (features.texts if name == "text" else features.vectors).numpy()[places]
    right = vectors @ vectors.T * (1 - np.eye(3))
  np.testing.assert_allclose(found, right, atol=1e-5)
