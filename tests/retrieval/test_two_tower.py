"""The two-tower model: its loss by hand, its draws, and plain Keras training."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.two_tower import TwoTower, draw

PRODUCTS = 12
SHOP = makers.catalogue(PRODUCTS, blocks=3, orders=[0, 1, 2, 3, 50, 5, 400, 7, 8, 9, 10, 11])
BATCH = makers.batch(
  basket=[[1, 2], [3], [], [0, 5, 9]],
  target=[[3, 4], [4], [6, 3], [10]],
  history=[[7, 7, 8], [], [9], [2, -1, 4]],
  query=["camping", "", "other", ""],
  context=["web", "", "", "store"],
)


def softmax_loss(model, batch, positives, log_q):
  """The mean loss of an order, in numpy, from the model's own vectors."""
  users = model(batch).numpy()
  target = batch["target"].numpy()
  held = [set(b[b >= 0]) | set(t[t >= 0]) for b, t in zip(batch["basket"].numpy(), target)]
  drawn = [(order, p) for order, row in enumerate(positives) for p in row if p >= 0]
  vectors = model.products(tf.constant([p for _, p in drawn], tf.int32)).numpy()
  share = (SHOP.train_orders + 1) / (SHOP.train_orders + 1).sum()
  loss = 0.0
  for i, (order, _) in enumerate(drawn):
    kept = [j for j, (_, q) in enumerate(drawn) if j == i or q not in held[order]]
    scores = users[order] @ vectors[kept].T / model.settings.temperature
    if log_q:
      scores = scores - np.log(share[[drawn[j][1] for j in kept]])
    own = scores[kept.index(i)]
    loss += (np.log(np.exp(scores - scores.max()).sum()) + scores.max() - own) / (positives[order] >= 0).sum()
  return loss / len(target)


@pytest.mark.parametrize("log_q", [True, False])
def test_the_loss_is_the_corrected_softmax_of_what_counts(log_q):
  model = makers.two_tower(SHOP, makers.config(retrieval={"log_q": log_q}), ("camping",))
  positives = BATCH["target"].numpy()[:, :2]
  assert (positives >= 0).sum() == 6, "every target is drawn, in whatever order"
  expected = softmax_loss(model, BATCH, positives, log_q)
  for training in (True, False):
    np.testing.assert_allclose(model.compute_loss(BATCH, training=training), expected, rtol=1e-5)


def two_by_two(orders, log_q=True, **batch):
  shop = makers.catalogue(3, orders=orders)
  model = makers.two_tower(shop, makers.config(retrieval={"log_q": log_q, "targets": 1}))
  given = makers.batch(**({"basket": [[], []], "target": [[0], [1]], "history": [[2], []]} | batch))
  return model, given


def test_popular_negatives_are_corrected_by_hand():
  model, batch = two_by_two([1, 7, 3])
  users, items = model(batch).numpy(), model.products(tf.constant([0, 1])).numpy()
  s = users @ items.T / 0.07
  # Product 1 is drawn into a batch (7 + 1) / (1 + 1) = 4 times as often as product 0, so as a negative of order 0 it
  # counts a quarter of what it would, and product 0 counts four times as a negative of order 1.
  one = np.log(1 + np.exp(s[0, 1] - s[0, 0]) / 4)
  other = np.log(1 + np.exp(s[1, 0] - s[1, 1]) * 4)
  np.testing.assert_allclose(model.compute_loss(batch), (one + other) / 2, rtol=1e-5)


def test_rare_products_of_a_large_shop_are_told_apart():
  # Of 3 M orders both have a share below 1e-6, at which TFRS cuts; product 1 comes twice as often all the same.
  shop = makers.catalogue(62, orders=[0, 1] + [50_000] * 60)
  model = makers.two_tower(shop, makers.config(retrieval={"targets": 1}))
  batch = makers.batch(basket=[[], []], target=[[0], [1]], history=[[2], []])
  users, items = model(batch).numpy(), model.products(tf.constant([0, 1])).numpy()
  s = users @ items.T / 0.07
  losses = np.log(1 + np.exp(s[0, 1] - s[0, 0]) / 2), np.log(1 + np.exp(s[1, 0] - s[1, 1]) * 2)
  np.testing.assert_allclose(model.compute_loss(batch), np.mean(losses), rtol=1e-4)


def test_what_lay_in_the_basket_is_no_negative():
  model, batch = two_by_two([1, 1, 1], basket=[[1], []])
  users, items = model(batch).numpy(), model.products(tf.constant([0, 1])).numpy()
  s = users @ items.T / 0.07
  # Order 0 has no negative left: its loss is -log 1.
  np.testing.assert_allclose(model.compute_loss(batch), np.log(1 + np.exp(s[1, 0] - s[1, 1])) / 2, rtol=1e-5)
  model, batch = two_by_two([1, 1, 1], basket=[[1], [0]])
  np.testing.assert_allclose(model.compute_loss(batch), 0, atol=1e-6)


def test_an_order_without_targets_weighs_nothing_but_counts():
  batch = makers.batch(basket=[[], [], [3]], target=[[0], [1], []], history=[[2], [], []])
  model = makers.two_tower(SHOP)
  two = {name: value[:2] for name, value in batch.items()}
  np.testing.assert_allclose(model.compute_loss(batch) * 3, model.compute_loss(two) * 2, rtol=1e-5)


def test_targets_are_drawn_without_repeats():
  targets = makers.padded([[1, 2, 3, 4, 5], [6, 7], [], [8]])
  seen = []
  for step in range(60):
    found = draw(targets, 3, tf.constant([0, step])).numpy()
    np.testing.assert_array_equal(np.sort(found)[1:], [[-1, 6, 7], [-1, -1, -1], [-1, -1, 8]])
    assert len(set(found[0])) == 3
    seen += found[0].tolist()
  np.testing.assert_allclose(np.bincount(seen)[1:], 36, atol=20)  # five deviations
  np.testing.assert_array_equal(draw(targets, 3, None), targets[:, :3])


@pytest.mark.parametrize("seed", [None, [0, 1]])
def test_more_targets_than_a_record_holds_are_all_of_them(seed):
  targets = makers.padded([[1, 2], [3]])
  assert np.sort(draw(targets, 4, None if seed is None else tf.constant(seed))).tolist() == [[1, 2], [-1, 3]]
  narrow = {name: value[:, :2] if name == "target" else value for name, value in BATCH.items()}
  losses = [
    makers.two_tower(SHOP, makers.config(retrieval={"targets": n})).compute_loss(
      narrow, training=seed is not None
    )
    for n in (2, 4)
  ]
  np.testing.assert_allclose(*losses, rtol=1e-6)


def test_a_batch_gives_each_request_what_it_gives_alone():
  model = makers.two_tower(SHOP, queries=("camping",))
  together = model(BATCH).numpy()
  for i in range(4):
    alone = {name: value[i : i + 1] for name, value in BATCH.items()}
    np.testing.assert_allclose(model(alone).numpy()[0], together[i], atol=1e-6)
  wide = makers.batch(basket=[[1, 2]], history=[[7, 7, 8]], query=["camping"], context=["web"], width=9)
  np.testing.assert_allclose(model(wide).numpy()[0], together[0], atol=1e-6)


def test_a_batch_without_any_product_gets_what_its_requests_get_beside_others():
  model = makers.two_tower(SHOP, queries=("camping",))
  silent, more = (makers.batch(basket=[[], b], history=[[], []], query=["camping", ""]) for b in ([], [3]))
  np.testing.assert_allclose(model(silent)[0], model(more)[0], atol=1e-6)
  np.testing.assert_allclose(np.linalg.norm(model(silent), axis=1), 1, atol=1e-6)


def test_the_towers_read_the_newest_lines_of_the_history():
  model = makers.two_tower(SHOP, makers.config(towers={"history": 2}))
  long, short = (makers.batch(basket=[[1]], history=[h], width=6) for h in ([7, 8, 9, 2], [7, 8]))
  np.testing.assert_allclose(model(long), model(short), atol=1e-6)


def test_plain_keras_trains_it_and_it_encodes_whole_catalogues():
  orders = makers.block_orders(64, 3, 4, 3)
  data = tf.data.Dataset.from_tensor_slices(makers.batch(orders[:, :1], orders[:, 1:])).batch(16)

  model = TwoTower(SHOP, makers.texts(PRODUCTS), makers.config())
  model.compile(optimizer=tf.keras.optimizers.Adam(0.02))
  history = model.fit(data, epochs=12, validation_data=data, verbose=0)
  vectors = model.encode_catalogue()
  queries = np.concatenate(list(model.encode_queries(data)))

  losses = history.history["val_loss"]
  assert losses[-1] < 0.7 * losses[0]
  assert vectors.shape == (PRODUCTS, 8)
  assert queries.shape == (64, 8)
  np.testing.assert_allclose(model.encode_catalogue(batch=5), vectors, atol=1e-6)
  np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
  scores = queries @ vectors.T
  best = np.argmax(np.where(np.arange(PRODUCTS) == orders[:, :1], -9, scores), axis=1)
  assert (best // 4 == orders[:, 0] // 4).mean() > 0.9
