"""Pads of a batch: rows below 0 at the end of a sequence."""

from tfrec_combo.base.stack import tf


def trimmed(rows: tf.Tensor) -> tf.Tensor:
  """Cuts columns that hold only pads off the right of [B, S], and keeps one: work follows the longest of the batch."""
  places = tf.where(rows >= 0, tf.range(1, tf.shape(rows)[1] + 1)[None, :], 1)
  return rows[:, : tf.reduce_max(places)]
