"""The model learns under each precision policy."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf

BLOCKS, SIZE = 4, 5
ORDERS = makers.block_orders(256, BLOCKS, SIZE, 3)
BASKETS = makers.batch(basket=[[p] for p in range(BLOCKS * SIZE)])


@pytest.fixture(params=["float32", "mixed_bfloat16", "mixed_float16"])
def policy(request):
  tf.keras.mixed_precision.set_global_policy(request.param)
  yield request.param
  tf.keras.mixed_precision.set_global_policy("float32")


def recall(model):
  """Share of a product's block among the four products that its basket finds."""
  scores = model(BASKETS).numpy() @ model.encode_catalogue().T
  np.fill_diagonal(scores, -9)
  found = np.argsort(-scores, axis=1)[:, : SIZE - 1]
  return (found // SIZE == np.arange(BLOCKS * SIZE)[:, None] // SIZE).mean()


def test_it_learns(policy):
  settings = makers.config(retrieval={"pseudo_queries": 0.2})
  model = makers.two_tower(makers.catalogue(BLOCKS * SIZE), settings)
  model.compile(optimizer=tf.keras.optimizers.Adam(0.02))
  scaled = isinstance(model.optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
  assert scaled == (policy == "mixed_float16")
  assert model.user_tower.hidden.compute_dtype == policy.removeprefix("mixed_")
  data = tf.data.Dataset.from_tensor_slices(makers.batch(ORDERS[:, :1], ORDERS[:, 1:])).batch(64)
  before, loss = recall(model), model.evaluate(data, verbose=0)
  model.fit(data, epochs=12, verbose=0)
  assert model.evaluate(data, verbose=0) < 0.6 * loss
  assert before < 0.5
  assert recall(model) > 0.9
  assert all(v.dtype == tf.float32 for v in model.trainable_variables)
  assert model(BASKETS).dtype == tf.float32


def moved(name):
  """How one SGD step moves the dense weights, where gradients are far below what float16 can hold."""
  tf.keras.mixed_precision.set_global_policy(name)
  model = makers.two_tower(makers.catalogue(BLOCKS * SIZE), makers.config(retrieval={"temperature": 1e6}))
  model.compile(optimizer=tf.keras.optimizers.SGD(1e6))
  weights = [
    *model.user_tower.hidden.weights,
    *model.user_tower.out.weights,
    *model.product_tower.hidden.weights,
  ]
  before = [w.numpy() for w in weights]
  batch = makers.batch(ORDERS[:64, :1], ORDERS[:64, 1:])
  model.fit(tf.data.Dataset.from_tensors(batch), verbose=0)
  return np.concatenate([(w.numpy() - b).ravel() for w, b in zip(weights, before)])


@pytest.mark.parametrize("policy", ["mixed_float16"], indirect=True)
def test_small_gradients_survive_half_precision(policy):
  half, whole = moved(policy), moved("float32")
  assert np.linalg.norm(whole) > 0.01
  np.testing.assert_allclose(np.linalg.norm(half), np.linalg.norm(whole), rtol=0.05)
  assert half @ whole > 0.99 * np.linalg.norm(half) * np.linalg.norm(whole)
