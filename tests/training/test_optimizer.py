"""Adam over embeddings: the rows of a batch move as Keras's own moves them, the others not at all."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.training.optimizer import LazyAdam

N, STEPS = 6, 4


def trained(kind, touched):
  """A table after steps that read the rows `touched` of each."""
  table = tf.Variable(np.arange(N * 2, dtype=np.float32).reshape(N, 2) / 10)
  dense = tf.Variable([1.0, -1.0])
  adam = kind(0.1)
  for rows in touched:
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(tf.square(tf.gather(table, rows) * dense))
    gradients = tape.gradient(loss, [table, dense])
    assert isinstance(gradients[0], tf.IndexedSlices)
    adam.apply_gradients(zip(gradients, [table, dense]))
  return table.numpy(), dense.numpy()


def test_rows_of_every_step_move_as_those_of_adam():
  rows = [[0, 3, 3]] * STEPS  # a row twice in one step counts as the sum of both
  lazy, plain = trained(LazyAdam, rows), trained(tf.keras.optimizers.Adam, rows)
  np.testing.assert_allclose(lazy[0], plain[0], atol=1e-6)
  np.testing.assert_allclose(lazy[1], plain[1], atol=1e-6)
  assert abs(lazy[0][3] - np.array([0.6, 0.7])).min() > 0.1


def test_rows_move_only_in_steps_that_read_them():
  once, _ = trained(LazyAdam, [[1]])
  later, _ = trained(LazyAdam, [[1], [2], [2]])
  np.testing.assert_array_equal(later[1], once[1])
  np.testing.assert_array_equal(
    later[[0, 3, 4, 5]], np.arange(12, dtype=np.float32).reshape(N, 2)[[0, 3, 4, 5]] / 10
  )
  assert (later[2] != once[2]).all()


def test_a_checkpoint_of_adam_is_read(tmp_path):
  table = tf.Variable(np.ones([N, 2], np.float32))
  plain, lazy = tf.keras.optimizers.Adam(0.1), LazyAdam(0.1)
  plain.apply_gradients([(tf.IndexedSlices(tf.ones([1, 2]), [1]), table)])
  path = tf.train.Checkpoint(table=table, optimizer=plain).save(str(tmp_path / "c"))
  lazy.build([table])
  tf.train.Checkpoint(table=table, optimizer=lazy).restore(path).assert_existing_objects_matched()
  assert lazy.iterations == 1
  np.testing.assert_array_equal(lazy._momentums[0], plain._momentums[0])
