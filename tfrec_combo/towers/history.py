"""Pools product vectors by learnt attention: a sequence with days, or a set."""

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.start import small

RECENCY_SCALES = (1.0, 7.0, 30.0, 120.0)  # days: same visit, week, month, season


class _Attention(tf.keras.layers.Layer):
  """What heads look for in a product: w_h of each head h."""

  def __init__(self, heads: int, dim: int, **kwargs):
    super().__init__(dtype="float32", **kwargs)
    self.heads, self.dim = heads, dim

  def build(self, input_shape):
    # Small, so that at first all products count about alike and how often one was bought shows.
    self.content = self.add_weight(name="content", shape=[self.dim, self.heads], initializer=small())
    super().build(input_shape)


class HistoryPool(_Attention):
  """p_h = sum_i softmax_i(w_h . v_i + u_h . recency_i) v_i for each head h, with recency_i = exp(-days_i / scale)."""

  def build(self, input_shape):
    super().build(input_shape)
    self.recency = self.add_weight(
      name="recency", shape=[len(RECENCY_SCALES), self.heads], initializer="glorot_uniform"
    )

  def call(self, vectors: tf.Tensor, mask: tf.Tensor, days: tf.Tensor) -> tf.Tensor:
    """vectors: [B, S, D]. mask: [B, S] bool; False rows are ignored, all False gives the zero vector. days: [B, S].

    Returns:
      [B, heads * D] float32.
    """
    # Heads before places: all below runs along places, which lie side by side.
    content = tf.transpose(tf.cast(self.content, tf.float32)) * self.dim**0.5
    recency = tf.exp(-days[:, None, :] / tf.constant(RECENCY_SCALES)[:, None])
    timed = tf.transpose(tf.cast(self.recency, tf.float32))
    logits = tf.matmul(content, vectors, transpose_b=True) + tf.matmul(timed, recency)
    known = mask[:, None, :]
    most = tf.stop_gradient(tf.reduce_max(tf.where(known, logits, -1e9), axis=2, keepdims=True))
    shares = tf.exp(tf.where(known, logits - most, 0)) * tf.cast(known, tf.float32)
    weights = tf.math.divide_no_nan(shares, tf.reduce_sum(shares, axis=2, keepdims=True))
    return tf.reshape(tf.matmul(weights, vectors), [-1, self.heads * self.dim])


class SetPool(_Attention):
  """p_h = sum_i softmax_i(w_h . v_i) v_i for each head h, over sets of any sizes: no place is computed that holds nothing."""

  def call(self, vectors: tf.Tensor, owner: tf.Tensor, sets: tf.Tensor) -> tf.Tensor:
    """vectors: [N, D] of all sets. owner: [N] int, the set of each. sets: how many there are; an empty one gives the zero vector.

    Returns:
      [sets, heads * D] float32.
    """
    logits = tf.matmul(vectors, tf.cast(self.content, tf.float32) * self.dim**0.5)
    most = tf.stop_gradient(tf.math.unsorted_segment_max(logits, owner, sets))
    shares = tf.exp(logits - tf.gather(most, owner))
    weights = shares / tf.gather(tf.math.unsorted_segment_sum(shares, owner, sets), owner)
    weighted = tf.reshape(weights[:, :, None] * vectors[:, None, :], [-1, self.heads * self.dim])
    return tf.math.unsorted_segment_sum(weighted, owner, sets)
