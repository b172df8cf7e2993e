"""The set model: what its score is, and what it learns of complements and substitutes."""

import itertools

import numpy as np

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.sets.pairs import NAMES, Pairs, pairs
from tfrec_combo.combos.sets.scorer import ABOUT, SetScorer, about, of_request
from tfrec_combo.combos.sets.task import MOST_CHOSEN, SetTask, draw, examples

# Products 0-7 are cameras and 8-15 bags; an order holds a camera and one of three bags that fit it.
# Products 16-19 are staples that lie in half of all orders.
KINDS, EACH, STAPLES = 2, 8, 4
PRODUCTS = KINDS * EACH + STAPLES
SHOP = makers.catalogue(PRODUCTS, blocks=5)
SETTINGS = makers.config(ranker={"layers": (8,), "crosses": 1, "members": 1})


def orders(rng, count):
  """A camera, a bag, and some staples."""
  one = rng.integers(0, EACH, count)
  other = EACH + (one + rng.integers(0, 3, count)) % EACH
  staples = [list(2 * EACH + rng.permutation(STAPLES)[: rng.integers(0, 3)]) for _ in range(count)]
  return [[int(a), int(b), *s] for a, b, s in zip(one, other, staples)]


def test_a_set_scores_what_its_formula_says_whatever_the_order():
  scorer = SetScorer(0.0, 0.2)
  rng = np.random.default_rng(0)
  for weights in scorer.trainable_variables:
    weights.assign(rng.normal(0, 0.5, weights.shape))
  said = rng.normal(size=[1, 5, len(ABOUT)]).astype(np.float32)
  half = rng.normal(size=[1, 5, 5, len(NAMES)]).astype(np.float32)
  values = half + half.transpose(0, 2, 1, 3)
  values[:, range(5), range(5)] = 0
  scored = scorer(tf.constant(said), Pairs(tf.constant(values), tf.zeros([1, 5, 5], tf.bool)))
  worth, fit = scored.worth.numpy()[0], scored.fit.numpy()[0]
  np.testing.assert_allclose(worth, scorer.worth(said).numpy()[0] - np.log(0.2 / 0.8), rtol=1e-5)
  np.testing.assert_allclose(fit, fit.T, rtol=1e-5)
  assert not np.diag(fit).any()
  score = lambda s: (
    worth[list(s)].sum() + sum(fit[i, j] for i, j in itertools.combinations(s, 2)) / (len(s) - 1)
  )
  # The loss is the cross-entropy of what a product adds to the others.
  chosen, open_ = tf.constant([[True, True]]), tf.constant([[False, False, True, False, False]])
  others = tf.constant(values[:, :, :2])
  wanted = tf.constant([[0, 0, 1.0, 0, 0]])
  adds = score([0, 1, 2]) - worth[0] - worth[1] - fit[0, 1] / 2 + np.log(0.2 / 0.8)
  loss = scorer.loss(tf.constant(said), others, chosen, wanted, open_).numpy()
  np.testing.assert_allclose(loss, np.log1p(np.exp(-adds)), rtol=1e-4)


def test_substitutes_pay_the_penalty():
  free, strict = SetScorer(0.0, 0.5), SetScorer(3.0, 0.5)
  values, variants = tf.ones([1, 2, 2, len(NAMES)]), tf.constant([[[False, True], [True, False]]])
  known = Pairs(values, variants)
  np.testing.assert_allclose(strict.together(known) - free.together(known), [[[0, -3], [-3, 0]]])


def test_what_a_list_says_of_its_candidates():
  request = makers.request([[1, 2]], [[3, 3, 4]], [[2, 6, 13]])
  there = tf.constant([[True, True, True, False]])
  found = about(there, tf.constant([[0.0, 2.0, 1.0, 9.0]]), of_request(request)).numpy()[0]
  named = dict(zip(ABOUT, found.T))
  np.testing.assert_allclose(
    np.exp(named["share"][:3]), np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum(), rtol=1e-5
  )
  np.testing.assert_allclose(named["behind"][:3], [-2, 0, -1])
  np.testing.assert_allclose(named["place"][:3], np.log1p([2, 0, 1]))
  np.testing.assert_allclose(named["basket"][:3], np.log1p(2))
  np.testing.assert_allclose(named["history"][:3], np.log1p(3))
  np.testing.assert_allclose(named["lines_a_week"][:3], np.log1p(7 * 3 / 14))
  assert not named["query"].any()
  assert not found[3].any(), "a pad"


def test_the_set_so_far_is_a_part_of_what_was_wanted():
  wanted = np.zeros([200, 12], np.float32)
  wanted[:, [1, 4, 5, 9, 11]] = 1
  wanted[0], wanted[1] = 0, np.eye(12)[3]
  places, chosen = (x.numpy() for x in draw(tf.constant(wanted), tf.constant([0, 1])))
  assert not chosen[:2].any(), "of one product nothing can be shown"
  assert np.take_along_axis(wanted, places, 1)[chosen].all()
  assert all(len(set(p[c])) == c.sum() for p, c in zip(places, chosen))
  assert set(chosen[2:].sum(axis=1)) == set(range(MOST_CHOSEN + 1))


def test_it_learns_which_products_go_together():
  rng = np.random.default_rng(1)
  ranker = makers.ranker(SHOP, orders(rng, 400), SETTINGS)
  scorer = SetScorer(0.0, 0.1)
  task = SetTask(ranker, scorer, seed=0)
  task.compile(optimizer=tf.keras.optimizers.Adam(1e-2))
  asked = [rng.permutation(o) for o in orders(rng, 512)]
  batch = makers.batch([[]] * len(asked), [list(o) for o in asked], width=8)
  made = examples(ranker, *task.asked(batch, False), tf.constant([0, 0]))[1]
  flat = made["pairs"].numpy()
  said = about(made["candidate"], ranker.net(made["features"]), made["said"]).numpy()
  scorer.standardise(flat[flat.any(-1)], said[made["candidate"].numpy()])
  before = float(task.compute_loss(batch))
  data = tf.data.Dataset.from_tensor_slices(batch).shuffle(512, seed=0).batch(64).repeat()
  task.fit(data, steps_per_epoch=8, epochs=20, verbose=0)
  assert float(task.compute_loss(batch)) < 0.95 * before
  rows = tf.constant([list(range(2 * EACH))], tf.int32)
  request = makers.request([[]], width=8)
  fit = scorer.together(pairs(rows, rows, request, ranker.features, ranker.candidates)).numpy()[0]
  camera, bag = np.arange(EACH), EACH + np.arange(EACH)
  right = np.stack([fit[camera, EACH + (camera + k) % EACH] for k in range(3)])
  same = fit[np.ix_(camera, camera)][~np.eye(EACH, dtype=bool)]
  assert right.min() > same.max(), "a camera goes with its bags, and with no other camera"
  assert right.min() > fit[camera, EACH + (camera + 5) % EACH].max(), "nor with a bag it is never bought with"
  assert fit[np.ix_(bag, bag)].max() < right.min()
