"""The listwise ranker: its loss, and what it learns in a shop whose right answers are known."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.ranker import NO_CANDIDATE, ListwiseSoftmax, labels, sample

# Products 0-15 are pairs that are bought together: 2i and 2i + 1. Products 16-23 are staples, one of them each shopper's
# favourite.
PAIRS, STAPLES = 8, 8
PRODUCTS = 2 * PAIRS + STAPLES
SHOP = makers.catalogue(PRODUCTS, blocks=3)
ORDERS = [[2 * i, 2 * i + 1, 2 * PAIRS + (i + j) % STAPLES] for i in range(PAIRS) for j in range(STAPLES)]
SETTINGS = makers.config(ranker={"layers": (16,), "crosses": 1})


def complements(rng, count):
  """Half of a pair in the basket of a shopper without or with a history; the other half was added."""
  one = rng.integers(0, 2 * PAIRS, count)
  history = [list(rng.integers(0, PRODUCTS, rng.integers(0, 4))) for _ in range(count)]
  return (
    [[p] for p in one],
    [[p ^ 1] for p in one],
    [[h for h in row if h != p] for row, p in zip(history, one)],
  )


def favourites(rng, count):
  """An empty basket of a shopper who bought one staple again and again, and other things once."""
  staple = 2 * PAIRS + rng.integers(0, STAPLES, count)
  history = []
  for s in staple:
    others = rng.choice(np.setdiff1d(np.arange(PRODUCTS), [s]), 4, replace=False)
    history.append(list(rng.permutation([s, s, s, *others])))
  return [[]] * count, [[s] for s in staple], history


def asked(make, count, seed):
  basket, target, history = make(np.random.default_rng(seed), count)
  days = [list(range(2, 2 + 5 * len(row), 5)) for row in history]
  return makers.batch(basket, target, history, days, width=8)


def both(count, seed):
  parts = [asked(make, count, seed) for make in (complements, favourites)]
  return {name: tf.concat([part[name] for part in parts], 0) for name in parts[0]}


@pytest.fixture(params=["float32", "mixed_float16"])
def policy(request):
  tf.keras.mixed_precision.set_global_policy(request.param)
  yield request.param
  tf.keras.mixed_precision.set_global_policy("float32")


def test_complements_and_favourites_come_first(policy):
  model = makers.ranker(SHOP, ORDERS, SETTINGS)
  data = tf.data.Dataset.from_tensor_slices(both(64, seed=0)).shuffle(128, seed=0).batch(32)
  model.standardise(data)
  model.compile(optimizer=tf.keras.optimizers.Adam(0.03))
  before = model.evaluate(data, verbose=0)
  model.fit(data, epochs=8, verbose=0)
  assert model.evaluate(data, verbose=0) < 0.5 * before
  for make in (complements, favourites):
    batch = asked(make, 50, seed=1)
    rows, scores = model(batch)
    assert (rows[:, 0].numpy() == batch["target"][:, 0].numpy()).mean() >= 0.9
    assert (np.diff(scores, axis=1) <= 0).all()
    assert scores.dtype == tf.float32


@pytest.fixture(scope="module")
def model():
  made = makers.ranker(SHOP, ORDERS, SETTINGS)
  made.standardise([both(16, seed=0)])
  return made


def test_the_loss_is_that_of_numpy():
  rng = np.random.default_rng(0)
  truth = (rng.random([6, 5]) < 0.4).astype(np.float32)
  truth[0] = 0
  truth[1] = 1
  scores = rng.normal(size=[6, 5]).astype(np.float32)
  scores[2, 3] = NO_CANDIDATE
  truth[2] = [1, 0, 0, 0, 1]
  expected = []
  for wanted, given in zip(truth, scores):
    others = np.exp(given[wanted == 0]).sum()
    each = [np.log(others + np.exp(s)) - s for s in given[wanted > 0]]
    expected.append(np.mean(each) if each else 0)
  assert expected[0] == 0
  np.testing.assert_allclose(ListwiseSoftmax().call(truth, scores), expected, rtol=1e-5, atol=1e-6)
  total = ListwiseSoftmax(reduction=tf.keras.losses.Reduction.SUM)(truth, scores)
  np.testing.assert_allclose(total, np.sum(expected), rtol=1e-5)


def test_the_loss_of_a_batch_is_the_mean_over_its_requests(model):
  batch = both(4, seed=3)
  request = model.request(batch)
  rows, features = model.lists(request)
  pool = model.pool(request)
  mean = lambda rows, scores: tf.reduce_mean(
    ListwiseSoftmax().call(labels(rows, batch["target"]), tf.where(rows >= 0, scores, NO_CANDIDATE))
  )
  members = model.net.each(features)
  assert len(members) == 3
  assert np.abs(members[0] - members[1]).max() > 1e-3
  np.testing.assert_allclose(model.net(features), np.mean(members, axis=0), atol=1e-5)
  expected = np.mean([mean(rows, scores) for scores in members]) + mean(pool.rows, pool.stage)
  np.testing.assert_allclose(model.compute_loss(batch), expected, rtol=1e-5)


def test_labels_are_one_for_targets_alone():
  rows = tf.constant([[3, 1, -1, -1], [2, 0, 5, 4]])
  targets = tf.constant([[1, 7, -1], [4, 2, -1]])
  assert labels(rows, targets).numpy().tolist() == [[0, 1, 0, 0], [1, 0, 0, 1]]


def test_a_sampled_list_keeps_its_targets_and_what_is_said_of_each(model):
  batch = both(8, seed=3)
  whole = model.pool(model.request(batch)).best(24)
  part = sample(whole, batch["target"], 6, tf.constant([1, 2]))
  other = sample(whole, batch["target"], 6, tf.constant([1, 3]))
  assert part.rows.shape[1] == 6
  assert (part.rows.numpy() != other.rows.numpy()).any(), "another step draws others"
  count = lambda blend: tf.reduce_sum(labels(blend.rows, batch["target"]), 1).numpy()
  np.testing.assert_array_equal(count(part), count(whole))
  said = lambda blend, b: {
    int(r): (blend.stage.numpy()[b, i], blend.columns["popularity"].numpy()[b, i])
    for i, r in enumerate(blend.rows.numpy()[b])
  }
  for b in range(16):
    assert said(part, b).items() <= said(whole, b).items()
    assert len(said(part, b)) == 6


def test_what_is_refused_is_not_ranked(model):
  batch = both(6, seed=4)
  exclude = makers.padded([[0, 17, -1, 5]] * 12)
  rows, scores = (x.numpy() for x in model({**batch, "exclude": exclude}))
  for row, basket in zip(rows, batch["basket"].numpy()):
    assert not {0, 17, 5, *basket} & {*row[row >= 0]}
    assert len(set(row[row >= 0])) == (row >= 0).sum() >= PRODUCTS - 4
  assert (scores[rows < 0] == NO_CANDIDATE).all()
  assert (np.sort(rows < 0) == (rows < 0)).all(), "pads come last"


def test_a_batch_gives_each_request_what_it_gives_alone(model):
  batch = both(3, seed=5)
  rows, scores = (x.numpy() for x in model(batch))
  for i in range(6):
    alone, own = (x.numpy()[0] for x in model({name: value[i : i + 1] for name, value in batch.items()}))
    ranked = {int(r): s for r, s in zip(rows[i], scores[i]) if r >= 0}
    for row, score in zip(alone[alone >= 0], own):
      np.testing.assert_allclose(ranked.pop(int(row)), score, atol=1e-4)
    assert not ranked


def test_a_feature_that_never_varied_says_nothing_later(model):
  batch = both(8, seed=6)
  words = makers.unit(16, makers.WIDTH)
  plain, worded = model.request(batch), model.request(batch, tf.constant(words))
  named = tf.constant(words), plain.user, plain.said
  kept = type(plain)(plain.history, plain.history_days, plain.basket, plain.exclude, *named)
  assert np.abs(worded.user - plain.user).max() > 1e-3
  (rows, without), (same, scores) = model.rank(plain), model.rank(kept)
  np.testing.assert_array_equal(rows, same)
  np.testing.assert_allclose(without, scores, atol=1e-4)


def test_features_are_standardised_by_what_was_seen(model):
  batch = both(16, seed=0)
  rows, features = (x.numpy() for x in model.lists(model.request(batch)))
  values = features[rows >= 0]
  varying = values.max(axis=0) > values.min(axis=0)
  assert 10 < varying.sum() < len(varying)
  seen = (values - model.net.mean.numpy()) / model.net.deviation.numpy()
  np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-3)
  np.testing.assert_allclose(seen.std(axis=0)[varying], 1, atol=0.01)


def test_only_the_net_and_the_first_stage_learn(model):
  tracked = [v.ref() for part in model.tracked.values() for v in part.trainable_variables]
  assert {v.ref() for v in model.trainable_variables} == {*tracked}
  assert len(tracked) == 3 * (2 + 2 + 2) + 4


def fitted(strategy, batch):
  with strategy.scope():
    made = makers.ranker(SHOP, ORDERS, SETTINGS)
    made.compile(optimizer=tf.keras.optimizers.SGD(0.05))
  data = tf.data.Dataset.from_tensor_slices(both(8, seed=0))
  made.standardise(data.batch(16))
  losses = made.fit(data.batch(batch), epochs=2, shuffle=False, verbose=0).history["loss"]
  return [v.numpy() for v in made.trainable_variables], losses


def test_two_replicas_equal_one():
  one, two = (fitted(strategy, 11) for strategy in (tf.distribute.get_strategy(), makers.replicas()))
  for a, b in zip(one[0], two[0]):
    np.testing.assert_allclose(a, b, atol=1e-5)
  np.testing.assert_allclose(one[1], two[1], rtol=1e-4)


def test_a_share_of_training_requests_is_asked_as_by_strangers():
  model = makers.ranker(SHOP, ORDERS, makers.config(ranker={"hidden_history": 0.3}))
  model.compile(optimizer=tf.keras.optimizers.Adam(0.03))
  batch = asked(favourites, 400, seed=3)
  request = model.training_request(batch)[0]
  hidden = (request.history.numpy() < 0).all(axis=1)
  assert abs(hidden.mean() - 0.3) < 0.12  # five deviations
  np.testing.assert_array_equal(request.history[~hidden], batch["history"][~hidden])
  stranger = model.request(batch | {"history": tf.fill(tf.shape(batch["history"]), -1)})
  np.testing.assert_allclose(request.user[hidden], stranger.user[hidden], atol=1e-6)
  np.testing.assert_array_equal(model.training_request(batch)[0].history, request.history)
  model.optimizer.iterations.assign(1)
  assert (model.training_request(batch)[0].history.numpy() != request.history.numpy()).any(), (
    "another step hides others"
  )
  assert (model.request(batch).history.numpy() == batch["history"].numpy()).all(), (
    "nothing is hidden from an answer"
  )
