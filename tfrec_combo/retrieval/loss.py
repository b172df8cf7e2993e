"""The loss of in-batch negatives, in as few passes over all pairs as it takes."""

from collections.abc import Callable

from tfrec_combo.base.stack import tf


class InBatchSoftmax(tf.keras.losses.Loss):
  """Cross-entropy of scores [Q, C], C >= Q, where candidate i is the positive of query i; TFRS's labels say just that.

  With a gradient of its own: exponentials of all pairs are taken once, and labels are neither made nor read.
  """

  def __init__(self) -> None:
    super().__init__(reduction=tf.keras.losses.Reduction.SUM)

  def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """[Q] losses; `y_true` is not read."""
    return _cross_entropy(y_pred)


@tf.custom_gradient
def _cross_entropy(scores: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
  scores -= tf.reduce_max(scores, axis=1, keepdims=True)
  shares = tf.exp(scores)
  total = tf.reduce_sum(shares, axis=1, keepdims=True)

  def gradient(upstream: tf.Tensor) -> tf.Tensor:
    chances = shares * (upstream[:, None] / total)
    return tf.linalg.set_diag(chances, tf.linalg.diag_part(chances) - upstream)

  return tf.math.log(total[:, 0]) - tf.linalg.diag_part(scores), gradient
