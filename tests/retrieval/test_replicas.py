"""n replicas give the weights and the losses of one."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.train_step import global_batch

SHOP = makers.catalogue(12, blocks=3, orders=range(1, 13))
ORDERS = makers.block_orders(16, 3, 4, 3)


def fitted(strategy, batch):
  # Orders add two products and both are drawn, so that the draw, which follows a replica's shapes, changes nothing.
  given = makers.batch(ORDERS[:, :1], ORDERS[:, 1:], history=ORDERS[::-1, :2])
  data = tf.data.Dataset.from_tensor_slices(given).batch(batch)
  with strategy.scope():
    model = makers.two_tower(SHOP)
    model.compile(optimizer=tf.keras.optimizers.SGD(0.05))
  start = [v.numpy() for v in model.trainable_variables]
  losses = []
  record = tf.keras.callbacks.LambdaCallback(on_train_batch_end=lambda i, logs: losses.append(logs["loss"]))
  model.fit(data, epochs=2, shuffle=False, verbose=0, callbacks=[record])
  ends = [v.numpy() for v in model.trainable_variables]
  return start, ends, [*losses, model.evaluate(data, verbose=0)]


# 16 orders: one whole batch; batches of 3 + 2 and a last one that leaves a replica empty.
@pytest.mark.parametrize("batch", [16, 5])
def test_two_replicas_equal_one(batch):
  two = fitted(makers.replicas(), batch)
  one = fitted(tf.distribute.get_strategy(), batch)
  for a, b in zip(one[0], two[0]):
    np.testing.assert_array_equal(a, b)
  assert max(np.abs(a - b).max() for a, b in zip(one[0], one[1])) > 1e-3, "it moved"
  for a, b in zip(one[1], two[1]):
    np.testing.assert_allclose(a, b, atol=1e-6)
  np.testing.assert_allclose(one[2], two[2], rtol=1e-5)


def test_the_global_batch_is_that_of_all_replicas():
  assert float(global_batch(tf.constant(5))) == 5
  strategy = makers.replicas()
  own = strategy.experimental_distribute_values_from_function(
    lambda c: tf.constant(3 + c.replica_id_in_sync_group)
  )
  found = strategy.experimental_local_results(strategy.run(global_batch, args=(own,)))
  assert [float(x) for x in found] == [7, 7]
