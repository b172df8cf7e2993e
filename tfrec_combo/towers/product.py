"""Product tower: text, category path, price and an id embedding -> a unit vector."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.catalogue import LEVELS, Catalogue
from tfrec_combo.towers.constants import table
from tfrec_combo.towers.start import beside_short_cut


class ProductTower(tf.keras.layers.Layer):
  """v = unit(text + W2 relu(W1 [text; category; price]) + seen * keep * id), where text = W0 t of the text vector t.

  The first term is a short cut: with W2 near zero, products of like texts are already near each other, and learning starts there.
  `id` is an embedding that only products with training orders have (`seen`); in training it is dropped at random
  (`keep`), so that a product is also learnt from its text alone and a new one falls back to it (DropoutNet, Volkovs
  et al. 2017).
  """

  def __init__(self, catalogue: Catalogue, text_width: int, dim: int, id_dropout: float, **kwargs):
    super().__init__(dtype="float32", **kwargs)  # the Dense layers inside follow the precision policy
    self.dim, self.id_dropout, self.text_width = dim, id_dropout, text_width
    prices = catalogue.prices[catalogue.prices > 0]
    # Mean and deviation of log prices; of another catalogue's where the weights were learnt with those.
    self.price_scale = (
      (float(np.log(prices).mean()), max(float(np.log(prices).std()), 0.1)) if len(prices) else (0.0, 1.0)
    )
    self.seen = table((catalogue.train_orders > 0).astype(np.float32), "seen")
    self.categories = table(catalogue.categories, "categories")
    # Of each product, the first with the same categories; past Keras's tracking, as `categories` says it all.
    _, first, kind = np.unique(catalogue.categories, axis=0, return_index=True, return_inverse=True)
    object.__setattr__(self, "_alike", table(first[kind.reshape(-1)].astype(np.int32), "alike"))
    self.prices = table(catalogue.prices, "prices")
    self.text_dense = tf.keras.layers.Dense(dim, name="text_dense")
    self.category_embedding = tf.keras.layers.Embedding(
      len(catalogue.category_names), dim // 2, name="category"
    )
    self.hidden = tf.keras.layers.Dense(2 * dim, activation="relu", name="hidden")
    self.out = beside_short_cut(dim)
    self._products = len(catalogue)

  def build(self, input_shape):
    self.ids = self.add_weight(
      name="ids",
      shape=[self._products, self.dim],
      initializer=tf.keras.initializers.RandomNormal(stddev=0.02),
    )
    self.text_dense.build([None, self.text_width])
    self.category_embedding.build([None])
    self.hidden.build([None, self.dim + self.dim // 2 + 2])
    self.out.build([None, 2 * self.dim])
    super().build(input_shape)

  def call(
    self, rows: tf.Tensor, texts: tf.Tensor, training: bool = False, seed: tf.Tensor | None = None
  ) -> tf.Tensor:
    """Vectors of catalogue products.

    Args:
      rows: [R] int32.
      texts: [R, W] text vectors of those rows.
      training: drops id embeddings at random.
      seed: [2] int32 of that draw; a stateless draw makes a resumed run equal to an unbroken one.

    Returns:
      [R, D] float32 unit vectors.
    """
    keep = tf.gather(self.seen, rows)
    if training and self.id_dropout:
      keep *= tf.cast(tf.random.stateless_uniform(tf.shape(rows), seed=seed) >= self.id_dropout, tf.float32)
    # Many products share their categories, which are looked up once.
    kinds, kind = tf.unique(tf.gather(self._alike, rows))
    category = tf.gather(self._category(tf.gather(self.categories, kinds)), kind)
    text = self._features(texts, category, tf.gather(self.prices, rows))
    return tf.math.l2_normalize(
      text + keep[:, None] * tf.cast(tf.gather(self.ids, rows), tf.float32), axis=-1
    )

  def embed_new(self, texts: tf.Tensor, categories: tf.Tensor, prices: tf.Tensor) -> tf.Tensor:
    """Vectors of products that are not in the catalogue: texts [R, W], categories [R, LEVELS] int32, prices [R]."""
    return tf.math.l2_normalize(self._features(texts, self._category(categories), prices), axis=-1)

  def _category(self, levels: tf.Tensor) -> tf.Tensor:
    """[R, LEVELS] int32 -> [R, D // 2]."""
    known = tf.cast(levels > 0, tf.float32)[..., None]
    category = tf.cast(self.category_embedding(levels), tf.float32) * known
    return tf.reduce_sum(category, axis=1) / tf.cast(LEVELS, tf.float32)

  def _features(self, texts: tf.Tensor, category: tf.Tensor, prices: tf.Tensor) -> tf.Tensor:
    """What is known of a product besides its id, before normalisation: [R, D] float32."""
    mean, deviation = self.price_scale
    priced = prices > 0
    price = tf.where(priced, (tf.math.log(tf.where(priced, prices, 1.0)) - mean) / deviation, 0.0)
    extra = tf.stack([price, tf.cast(priced, tf.float32)], axis=-1)
    text = tf.cast(self.text_dense(texts), tf.float32)
    return text + tf.cast(self.out(self.hidden(tf.concat([text, category, extra], axis=-1))), tf.float32)
