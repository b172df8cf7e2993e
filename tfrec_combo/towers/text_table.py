"""Text vectors of catalogue products and of query texts, whether the BERT tower is frozen or in training."""

import itertools
from collections.abc import Sequence

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.text import TextTower


class FrozenTexts(tf.keras.layers.Layer):
  """Vectors that were encoded once: [N, W] of the products, and a table of the query texts of the log."""

  def __init__(
    self,
    products: np.ndarray,
    queries: Sequence[str],
    query_vectors: np.ndarray,
    categories: np.ndarray | None = None,
    **kwargs,
  ):
    super().__init__(**kwargs)
    self.categories = category_table(categories, products.shape[1])
    self.width = products.shape[1]
    self.products = table(np.asarray(products, np.float32), "product_texts")
    self.query_vectors = table(
      np.concatenate([np.zeros([1, self.width], np.float32), query_vectors.astype(np.float32)]), "query_texts"
    )
    keys = tf.constant([*queries, ""])
    numbers = tf.constant([*range(1, len(queries) + 1), 0])
    self._lookup = tf.lookup.StaticHashTable(
      tf.lookup.KeyValueTensorInitializer(keys, numbers), default_value=0
    )

  def of_products(self, rows: tf.Tensor, training: bool = False) -> tf.Tensor:
    """rows: [R] int32 -> [R, W] unit vectors, zero for the empty text."""
    return tf.gather(self.products, rows)

  def of_categories(self, categories: tf.Tensor) -> tf.Tensor:
    """categories: [B] int32 rows of the catalogue's category names -> [B, W] vectors of the names, zero where unknown."""
    return named(self.categories, categories)

  def of_queries(self, queries: tf.Tensor, training: bool = False) -> tf.Tensor:
    """queries: [B] string -> [B, W]; a text that is not in the table gives the zero vector."""
    return tf.gather(self.query_vectors, self._lookup.lookup(queries))


BUCKETS = 3  # more would save little padding, and each is a BERT in the graph


class TrainedTexts(tf.keras.layers.Layer):
  """Vectors from the BERT tower as it is now; each distinct text of a batch is encoded once, beside others of its length."""

  def __init__(self, tower: TextTower, texts: Sequence[str], categories: np.ndarray | None = None, **kwargs):
    super().__init__(**kwargs)
    self.categories = category_table(categories, tower.width)  # as the tower had them before its training
    self.tower, self.width = tower, tower.width
    distinct, number = np.unique(np.asarray(texts, object), return_inverse=True)
    self.tokens = table(
      np.concatenate([tower.tokenize(tf.constant(part)) for part in _parts(distinct)]), "tokens"
    )
    self.number = table(number.astype(np.int32), "text_of_product")

  def of_products(self, rows: tf.Tensor, training: bool = False) -> tf.Tensor:
    """rows: [R] int32 -> [R, W] unit vectors."""
    distinct, index = tf.unique(tf.gather(self.number, rows))
    return tf.gather(self._encoded(tf.gather(self.tokens, distinct), training), index)

  def of_categories(self, categories: tf.Tensor) -> tf.Tensor:
    """See `FrozenTexts.of_categories`."""
    return named(self.categories, categories)

  def of_queries(self, queries: tf.Tensor, training: bool = False) -> tf.Tensor:
    """queries: [B] string -> [B, W]; the empty text gives the zero vector."""
    distinct, index = tf.unique(queries)
    return tf.gather(self.tower(self.tower.tokenize(distinct), training=training), index)

  def _encoded(self, tokens: tf.Tensor, training: bool) -> tf.Tensor:
    """tokens: [S, T] -> [S, W]; the tower leaves out columns that are padding in every row it is given."""
    if not training:  # there memory is short of nothing, and an exported graph holds one BERT
      return self.tower(tokens, training=False)
    order = tf.argsort(tf.reduce_sum(tf.cast(tokens != self.tower.pad, tf.int32), axis=1))
    bounds = [tf.size(order) * i // BUCKETS for i in range(BUCKETS + 1)]
    parts = [order[first:last] for first, last in itertools.pairwise(bounds)]
    vectors = tf.concat([self.tower(tf.gather(tokens, part), training=True) for part in parts], axis=0)
    return tf.gather(vectors, tf.math.invert_permutation(order))


def category_table(vectors: np.ndarray | None, width: int) -> tf.Variable:
  """Text vectors [C, W] of the catalogue's category names; one zero row where there are none."""
  return table(
    np.zeros([1, width], np.float32) if vectors is None else vectors.astype(np.float32), "category_texts"
  )


def named(vectors: tf.Variable, categories: tf.Tensor) -> tf.Tensor:
  """Rows of `vectors`; zeros beyond its end."""
  last = tf.shape(vectors)[0] - 1
  return rows_of(vectors, tf.where((categories > 0) & (categories <= last), categories, -1))


def _parts(texts: np.ndarray, size: int = 4096) -> list[np.ndarray]:
  return [texts[i : i + size].astype(str) for i in range(0, len(texts), size)]
