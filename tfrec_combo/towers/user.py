"""User tower: history, basket, query text and context -> a unit vector. Every part may be absent."""

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.history import HistoryPool, SetPool
from tfrec_combo.towers.start import beside_short_cut

HEADS = 4
CONTEXT_BUCKETS = 64


class UserTower(tf.keras.layers.Layer):
  """u = unit(W2 relu(W1 [history; basket; query; context]) + history_1 + basket_1 + W3 query).

  The last three terms are short cuts: with W2 near zero the tower already looks for what is near the basket, the history
  and the words.
  """

  def __init__(self, dim: int, text_width: int, **kwargs):
    super().__init__(dtype="float32", **kwargs)  # the Dense layers inside follow the precision policy
    self.dim, self.text_width = dim, text_width
    self.history_pool = HistoryPool(HEADS, dim, name="history_pool")
    self.basket_pool = SetPool(HEADS, dim, name="basket_pool")
    self.query_dense = tf.keras.layers.Dense(dim, use_bias=False, name="query_dense")
    self.context_hash = tf.keras.layers.Hashing(CONTEXT_BUCKETS, name="context_hash")
    self.context_embedding = tf.keras.layers.Embedding(CONTEXT_BUCKETS, dim // 4, name="context")
    self.hidden = tf.keras.layers.Dense(4 * dim, activation="relu", name="hidden")
    self.out = beside_short_cut(dim)

  def build(self, input_shape):
    self.history_pool.build([None, None, self.dim])
    self.basket_pool.build([None, None, self.dim])
    self.query_dense.build([None, self.text_width])
    self.context_embedding.build([None])
    self.hidden.build([None, 2 * HEADS * self.dim + self.dim + self.dim // 4])
    self.out.build([None, 4 * self.dim])
    super().build(input_shape)

  def call(
    self,
    products: tf.Tensor,
    history: tf.Tensor,
    history_days: tf.Tensor,
    basket: tf.Tensor,
    query: tf.Tensor,
    context: tf.Tensor,
  ) -> tf.Tensor:
    """products: [N, D] vectors, N >= 1, of which history [B, H], newest first, with history_days [B, H], and basket [B, M], in
    any order, name rows; pads are below 0. query: [B, W] text vectors, zero where there is none. context: [B] string tags, ""
    where there is none.

    Returns:
      [B, D] float32 unit vectors.
    """
    bought = tf.gather(products, tf.maximum(history, 0))  # any product for a pad: the pool passes it over
    past = self.history_pool(bought, history >= 0, history_days)
    places = tf.where(basket >= 0)  # few: baskets are short, and as wide as the longest
    chosen = tf.gather(products, tf.gather_nd(basket, places))
    given = self.basket_pool(chosen, places[:, 0], tf.shape(basket)[0])
    words = tf.cast(self.query_dense(query), tf.float32)
    tags = tf.cast(self.context_embedding(self.context_hash(context)), tf.float32)
    tags *= tf.cast(context != "", tf.float32)[:, None]
    mixed = tf.cast(self.out(self.hidden(tf.concat([past, given, words, tags], axis=-1))), tf.float32)
    return tf.math.l2_normalize(mixed + past[:, : self.dim] + given[:, : self.dim] + words, axis=-1)
