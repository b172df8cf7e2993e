"""Pools a set or a sequence of product vectors by learnt attention."""

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.start import small

RECENCY_SCALES = (1.0, 7.0, 30.0, 120.0)  # days: same visit, week, month, season


class AttentionPool(tf.keras.layers.Layer):
  """p_h = sum_i softmax_i(w_h . v_i + u_h . recency_i) v_i for each head h.

  recency_i = exp(-days_i / scale) for the scales above; a set, such as a basket, has none.
  """

  def __init__(self, heads: int, dim: int, timed: bool, **kwargs):
    super().__init__(dtype="float32", **kwargs)
    self.heads, self.dim, self.timed = heads, dim, timed

  def build(self, input_shape):
    # Small, so that at first all products count about alike and how often one was bought shows.
    self.content = self.add_weight(name="content", shape=[self.dim, self.heads], initializer=small())
    if self.timed:
      self.recency = self.add_weight(
        name="recency", shape=[len(RECENCY_SCALES), self.heads], initializer="glorot_uniform"
      )
    super().build(input_shape)

  def call(self, vectors: tf.Tensor, mask: tf.Tensor, days: tf.Tensor | None = None) -> tf.Tensor:
    """vectors: [B, S, D]. mask: [B, S] bool; False rows are ignored, all False gives the zero vector. days: [B, S].

    Returns:
      [B, heads * D] float32.
    """
    flat = tf.reshape(vectors, [-1, self.dim])  # one product of two matrices, which is faster than an einsum
    logits = tf.matmul(flat, tf.cast(self.content, tf.float32) * self.dim**0.5)
    logits = tf.reshape(logits, tf.concat([tf.shape(mask), [self.heads]], 0))
    if days is not None:
      recency = tf.exp(-days[..., None] / tf.constant(RECENCY_SCALES))
      logits += tf.einsum("bsr,rh->bsh", recency, tf.cast(self.recency, tf.float32))
    weights = tf.nn.softmax(tf.where(mask[..., None], logits, -1e9), axis=1) * tf.cast(
      mask[..., None], tf.float32
    )
    pooled = tf.matmul(weights, vectors, transpose_a=True)
    return tf.reshape(pooled, [-1, self.heads * self.dim])
