"""Two runs are equal, and a resumed run is equal to an unbroken one."""

import numpy as np

from tests import makers
from tfrec_combo.base.stack import tf

SHOP = makers.catalogue(12, blocks=3)
ORDERS = makers.block_orders(48, 2, 6, 5)
SETTINGS = makers.config(towers={"id_dropout": 0.5})  # of four targets two are drawn


def data(first=0, steps=6):
  whole = makers.batch(ORDERS[:, :1], ORDERS[:, 1:], history=ORDERS[::-1, :2])
  return tf.data.Dataset.from_tensor_slices(whole).batch(8).skip(first).take(steps)


def model():
  made = makers.two_tower(SHOP, SETTINGS)
  made.compile(optimizer=tf.keras.optimizers.Adam(0.01))
  return made


def weights(made):
  return [v.numpy() for v in made.trainable_variables]


def equal(one, other):
  return all(np.array_equal(a, b) for a, b in zip(one, other))


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
  unbroken, again, first = model(), model(), model()
  start = weights(unbroken)
  unbroken.fit(data(), verbose=0)
  again.fit(data(), verbose=0)
  assert equal(weights(unbroken), weights(again))
  assert not equal(weights(unbroken), start)

  first.fit(data(steps=4), verbose=0)
  path = tf.train.Checkpoint(model=first, optimizer=first.optimizer).write(str(tmp_path / "c"))
  second = model()
  second.optimizer.build(second.trainable_variables)
  tf.train.Checkpoint(model=second, optimizer=second.optimizer).read(path).assert_existing_objects_matched()
  second.fit(data(first=4), verbose=0)
  assert equal(weights(second), weights(unbroken))


def test_draws_follow_the_step_and_the_seed_alone():
  one, batch = model(), next(iter(data()))
  losses = [float(one.compute_loss(batch, training=True)) for _ in range(2)]
  assert losses[0] == losses[1]
  fixed = float(one.compute_loss(batch))
  one.optimizer.iterations.assign(7)
  assert float(one.compute_loss(batch, training=True)) != losses[0]
  assert float(one.compute_loss(batch)) == fixed
  one.optimizer.iterations.assign(0)
  one.seed = 1
  assert float(one.compute_loss(batch, training=True)) != losses[0]
