"""A train step for TFRS models that scales the loss under mixed_float16; TFRS's own does not, and does not learn there."""

from collections.abc import Callable
from typing import Any

from tfrec_combo.base.stack import tf, tfrs


class OwnTrainStep(tfrs.Model):
  """A `tfrs.Model` with one train step and one evaluation step on `compute_loss`.

  `compute_loss` divides by the global batch, and gradients of replicas are added up by the optimizer: n replicas give the
  weights of one.
  """

  def __init__(self, **kwargs: Any):
    super().__init__(**kwargs)
    # Past Keras's tracking: what an epoch's losses add up to is no part of a checkpoint.
    object.__setattr__(self, "_mean_loss", tf.keras.metrics.Mean(name="loss"))

  @property
  def metrics(self) -> list[tf.keras.metrics.Metric]:
    """What Keras resets before each epoch, the mean loss first."""
    return [self._mean_loss, *super().metrics]

  def train_step(self, inputs: Any) -> dict[str, tf.Tensor]:
    """One optimizer step; returns the losses and metrics Keras shows."""
    with tf.GradientTape() as tape:
      loss = self.compute_loss(inputs, training=True)
      regularization = sum(self.losses) if self.losses else tf.zeros([])
      total = loss + regularization / tf.distribute.get_strategy().num_replicas_in_sync
      scaled = self.optimizer.get_scaled_loss(total) if self._scales else total
    gradients = tape.gradient(scaled, self.trainable_variables)
    if self._scales:
      gradients = self.optimizer.get_unscaled_gradients(gradients)
    self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
    return self._report(loss)

  def test_step(self, inputs: Any) -> dict[str, tf.Tensor]:
    """The loss of one batch."""
    return self._report(self.compute_loss(inputs, training=False))

  def step_seed(self, seed: int) -> tf.Tensor:
    """[2] int32 for stateless draws that change with the step; a resumed run draws what an unbroken one does."""
    step = tf.cast(self.optimizer.iterations if self.optimizer else 0, tf.int32)
    return tf.stack([tf.constant(seed, tf.int32), step])

  @property
  def _scales(self) -> bool:
    return isinstance(self.optimizer, tf.keras.mixed_precision.LossScaleOptimizer)

  def _report(self, loss: tf.Tensor) -> dict[str, tf.Tensor]:
    # The mean up to here: of what a step reports, Keras's history and EarlyStopping keep the last. Losses of replicas are
    # parts of one sum.
    self._mean_loss.update_state(loss * tf.distribute.get_strategy().num_replicas_in_sync)
    return {m.name: m.result() for m in self.metrics}


def in_float32(make: Callable[[], Any]) -> Any:
  """What `make` returns, made while the precision policy is float32.

  For TFRS's tasks, which take no `dtype`: under a mixed policy Keras would cast the first of their tensors and no other.
  """
  policy = tf.keras.mixed_precision.global_policy()
  tf.keras.mixed_precision.set_global_policy("float32")
  try:
    return make()
  finally:
    tf.keras.mixed_precision.set_global_policy(policy)


def global_batch(own: tf.Tensor) -> tf.Tensor:
  """Examples of all replicas together, float32, from this replica's number; they differ in a last, smaller batch."""
  own = tf.cast(own, tf.float32)
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return own
  return context.all_reduce(tf.distribute.ReduceOp.SUM, own)
