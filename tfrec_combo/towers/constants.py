"""Tables that models read but never train."""

import numpy as np

from tfrec_combo.base.stack import tf


def table(values: np.ndarray | tf.Tensor | tf.Variable, name: str) -> tf.Variable:
  """A variable that keeps `values` out of the graph (which is limited to 2 GB) and of the optimizer; a variable itself, whose
  memory its readers share."""
  return values if isinstance(values, tf.Variable) else tf.Variable(values, trainable=False, name=name)


def rows_of(values: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
  """`values[rows]` where pads, rows below 0, give zeros. values: [N, ...], rows: [...] int32.

  The gradient of a gather is sparse, so a step touches the rows of its batch alone.
  """
  known = rows >= 0
  gathered = tf.gather(values, tf.maximum(rows, 0))
  mask = tf.reshape(
    known, tf.concat([tf.shape(rows), tf.ones([tf.rank(gathered) - tf.rank(rows)], tf.int32)], 0)
  )
  return tf.where(mask, gathered, tf.zeros([], gathered.dtype))
