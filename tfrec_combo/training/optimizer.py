"""Adam, and for embeddings its lazy form: a step costs what its batch touches, however many products there are."""

from collections.abc import Sequence
from typing import Any

from tfrec_combo.base import settings as s
from tfrec_combo.base.stack import tf


class LazyAdam(tf.keras.optimizers.Adam):
  """Kingma and Ba, 2015; of a variable whose gradient is sparse only the rows in it, and their moments, change.

  Keras's own lets the moments of all rows decay and moves every row by them at every step, which reads and writes the whole
  table seven times. Variables and checkpoints are the same.
  """

  def _deduplicate_sparse_grad(self, grads: Sequence[Any]) -> list[Any]:
    """Keras's, which sums up values of the same row, but where each row comes once, as those of the towers do."""
    return [_distinct(g) if isinstance(g, tf.IndexedSlices) else g for g in grads]

  def update_step(self, gradient: Any, variable: tf.Variable) -> None:
    """See `tf.keras.optimizers.Optimizer.update_step`; the indices of a sparse gradient are distinct here."""
    if not isinstance(gradient, tf.IndexedSlices):
      super().update_step(gradient, variable)
      return
    values, rows, dtype = gradient.values, gradient.indices, variable.dtype
    slot = self._index_dict[self._var_key(variable)]
    momentum, velocity = self._momentums[slot], self._velocities[slot]
    step = tf.cast(self.iterations + 1, dtype)
    rate = tf.cast(self.learning_rate, dtype) * tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
    first = tf.gather(momentum, rows) * self.beta_1 + values * (1 - self.beta_1)
    second = tf.gather(velocity, rows) * self.beta_2 + tf.square(values) * (1 - self.beta_2)
    momentum.scatter_update(tf.IndexedSlices(first, rows))
    velocity.scatter_update(tf.IndexedSlices(second, rows))
    # Read and written: TensorFlow subtracts in place row by row, which is slower.
    moved = tf.gather(variable, rows) - rate * first / (tf.sqrt(second) + self.epsilon)
    variable.scatter_update(tf.IndexedSlices(moved, rows))


def _distinct(gradient: tf.IndexedSlices) -> tf.IndexedSlices:
  rows, places = tf.unique(gradient.indices)
  count = tf.size(rows)
  values = tf.cond(
    count == tf.size(places),
    lambda: tf.convert_to_tensor(gradient.values),
    lambda: tf.math.unsorted_segment_sum(gradient.values, places, count),
  )
  return tf.IndexedSlices(values, rows, gradient.dense_shape)


def optimizer(settings: s.Retrieval | s.Ranker | s.Combine | s.Bundles, steps: int) -> LazyAdam:
  """That of a training of so many steps: its rate falls to a twentieth along a cosine."""
  return LazyAdam(tf.keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps, alpha=0.05))
