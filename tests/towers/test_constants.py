"""Tables that are read, and rows of which pads are zero."""

import numpy as np

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.towers.constants import rows_of, table


def test_rows_below_zero_are_zeros_whatever_the_shape():
  values = np.arange(1, 13, dtype=np.float32).reshape(4, 3)
  rows = tf.constant([[0, -1, 3], [-7, 2, 2]])
  expected = np.where(rows.numpy()[..., None] >= 0, values[np.maximum(rows, 0)], 0)
  np.testing.assert_array_equal(rows_of(table(values, "t"), rows), expected)
  np.testing.assert_array_equal(rows_of(tf.constant(values[:, 0]), rows), expected[..., 0])
  np.testing.assert_array_equal(rows_of(table(np.array(["a", "b"]), "s"), tf.constant([1, -1])), [b"b", b""])


def test_the_gradient_touches_the_rows_of_the_batch_alone():
  values = tf.Variable(makers.unit(5, 3))
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(rows_of(values, tf.constant([1, -1, 4, 1])))
  gradient = tape.gradient(loss, values)
  assert isinstance(gradient, tf.IndexedSlices)
  np.testing.assert_array_equal(tf.convert_to_tensor(gradient)[:, 0], [0, 2, 0, 0, 1])


def test_a_table_is_not_trained():
  assert not table(np.zeros(3), "t").trainable
