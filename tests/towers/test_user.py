"""The user tower and its pools."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.towers.history import HistoryPool, SetPool
from tfrec_combo.towers.user import UserTower

D, B, H, M = 8, 5, 4, 3


@pytest.fixture(scope="module")
def tower():
  tf.keras.utils.set_random_seed(1)
  made = UserTower(D, makers.WIDTH)
  made.build(None)
  return made


def parts(seed=0, rows=B, history=H, basket=M):
  """Requests with every part; the mask leaves out some of the tail."""
  rng = np.random.default_rng(seed)
  return {
    "history": makers.unit(rows, history, D, seed=seed),
    "history_days": np.sort(rng.random([rows, history]).astype(np.float32) * 200, axis=1),
    "history_mask": np.arange(history) < rng.integers(1, history + 1, [rows, 1]),
    "basket": makers.unit(rows, basket, D, seed=seed + 1),
    "basket_mask": np.arange(basket) < rng.integers(1, basket + 1, [rows, 1]),
    "query": makers.unit(rows, makers.WIDTH, seed=seed + 2),
    "context": np.array([["", "web", "store"][i % 3] for i in range(rows)]),
  }


def inputs(given):
  """The tower's arguments: a product of its own for each place."""
  places = [given[name].reshape(-1, D) for name in ("history", "basket")]
  starts = np.cumsum([0, *map(len, places)])
  rows = {}
  for start, name in zip(starts, ("history", "basket")):
    mask = given[f"{name}_mask"]
    rows[name] = np.where(mask, start + np.arange(mask.size).reshape(mask.shape), -1)
  others = {name: given[name] for name in ("history_days", "query", "context")}
  return {
    name: tf.constant(value) for name, value in {"products": np.concatenate(places), **rows, **others}.items()
  }


def vectors(tower, given):
  return tower(**inputs(given)).numpy()


def joined(one, other):
  return {name: np.concatenate([one[name], other[name]]) for name in one}


def test_the_order_of_the_basket_changes_nothing(tower):
  given = parts() | {"basket_mask": np.ones([B, M], bool)}
  turned = given | {"basket": given["basket"][:, ::-1]}
  np.testing.assert_allclose(vectors(tower, turned), vectors(tower, given), atol=1e-6)


def test_the_order_of_the_history_matters_through_its_days_only(tower):
  given = parts() | {"history_mask": np.ones([B, H], bool)}
  both = given | {name: given[name][:, ::-1] for name in ("history", "history_days")}
  np.testing.assert_allclose(vectors(tower, both), vectors(tower, given), atol=1e-6)
  days = given | {"history_days": given["history_days"][:, ::-1]}
  assert (np.abs(vectors(tower, days) - vectors(tower, given)).max(axis=1) > 1e-4).all()


def test_padding_changes_nothing(tower):
  given = parts()
  wide = dict(given)
  for name, fill in (
    ("history", 7.0),
    ("history_days", -3e4),
    ("history_mask", False),
    ("basket", 7.0),
    ("basket_mask", False),
  ):
    pad = [(0, 0), (0, 5)] + [(0, 0)] * (given[name].ndim - 2)
    wide[name] = np.pad(given[name], pad, constant_values=fill)
  np.testing.assert_allclose(vectors(tower, wide), vectors(tower, given), atol=1e-6)
  for part, mask in (("history", "history_mask"), ("basket", "basket_mask")):
    other = given | {part: np.where(given[mask][..., None], given[part], 100)}
    np.testing.assert_allclose(vectors(tower, other), vectors(tower, given), atol=1e-6)


def test_a_batch_gives_each_request_what_it_gives_alone(tower):
  one, other = parts(seed=0), parts(seed=50, rows=2)
  together = vectors(tower, joined(one, other))
  np.testing.assert_allclose(
    together, np.concatenate([vectors(tower, one), vectors(tower, other)]), atol=1e-6
  )


ABSENT = {
  "history": {"history_mask": np.zeros([B, H], bool)},
  "basket": {"basket_mask": np.zeros([B, M], bool)},
  "query": {"query": np.zeros([B, makers.WIDTH], np.float32)},
  "context": {"context": np.array([""] * B)},
}


@pytest.mark.parametrize("part", ABSENT)
def test_every_part_counts_and_may_be_absent(tower, part):
  given = parts() | {"context": np.array(["web"] * B)}
  found = vectors(tower, given | ABSENT[part])
  np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
  assert (np.abs(found - vectors(tower, given)).max(axis=1) > 1e-4).all()


def test_a_request_without_anything_is_one_unit_vector_with_a_tame_gradient(tower):
  given = parts()
  for absent in ABSENT.values():
    given |= absent
  with tf.GradientTape() as tape:
    found = tower(**inputs(given))
    loss = tf.reduce_mean(found[:, 0])
  np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
  np.testing.assert_allclose(found, found[:1] + np.zeros([B, 1]), atol=1e-6)
  # From a zero vector it would be 1e6, the inverse root of l2_normalize's epsilon.
  assert float(tf.norm(tape.gradient(loss, tower.out.bias))) < 100


def pooled(kind, values, mask, content, days=None):
  """What a pool of 2 heads makes of values [B, S, D], with `content` for its own; a history is of one day but for `days`."""
  pool = kind(2, D)
  pool.build(None)
  pool.content.assign(content)
  if kind is HistoryPool:
    days = tf.zeros(mask.shape) if days is None else tf.constant(days)
    return pool(tf.constant(values), tf.constant(mask), days).numpy()
  places = np.argwhere(mask)
  return pool(tf.constant(values[mask]), tf.constant(places[:, 0]), tf.constant(len(values))).numpy()


@pytest.mark.parametrize("kind", [HistoryPool, SetPool])
def test_a_pool_of_equal_weights_is_the_mean(kind):
  values, mask = makers.unit(2, 3, D), np.array([[True, True, False], [False, False, False]])
  found = pooled(kind, values, mask, np.zeros([D, 2], np.float32))
  mean = values[0, :2].mean(axis=0)
  np.testing.assert_allclose(found, [np.tile(mean, 2), np.zeros(2 * D)], atol=1e-6)


@pytest.mark.parametrize("kind", [HistoryPool, SetPool])
def test_a_pool_weighs_by_a_softmax_of_what_its_heads_look_for(kind):
  rng = np.random.default_rng(3)
  values, content = makers.unit(6, 5, D), rng.normal(0, 9, [D, 2]).astype(np.float32)
  mask = np.arange(5) < np.array([5, 1, 0, 3, 2, 4])[:, None]
  expected = np.zeros([6, 2, D])
  for i, held in enumerate(mask):
    for head in range(2) if held.any() else ():
      weights = np.exp(values[i, held] @ content[:, head] * D**0.5)
      expected[i, head] = weights / weights.sum() @ values[i, held]
  np.testing.assert_allclose(pooled(kind, values, mask, content), expected.reshape(6, -1), atol=1e-5)
  large = pooled(kind, values, mask, content * 100)
  assert np.isfinite(large).all()


def test_a_pool_looks_where_its_head_points_and_to_what_is_recent():
  pool = HistoryPool(2, D)
  pool.build(None)
  axes = np.eye(3, D, dtype=np.float32)[None]
  content = np.zeros([D, 2], np.float32)
  content[1, 0] = 50  # head 0 looks for axis 1, whenever it was
  pool.content.assign(content)
  recency = np.zeros([4, 2], np.float32)
  recency[1, 1] = 50  # head 1 for what was bought this week, whatever it is
  pool.recency.assign(recency)
  days = np.array([[300, 200, 1]], np.float32)
  found = pool(tf.constant(axes), tf.ones([1, 3], tf.bool), tf.constant(days)).numpy().reshape(2, D)
  np.testing.assert_allclose(found, axes[0, [1, 2]], atol=1e-3)
