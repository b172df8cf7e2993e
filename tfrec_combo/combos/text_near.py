"""Products whose texts are near those of the basket and the query: what finds a product that no order holds yet."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.index import Index
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.pads import trimmed

BLOCK = 1024  # products whose neighbours are searched at once


class TextNear(tf.keras.layers.Layer):
  """Candidates by their text vectors, and what the texts say of any candidate. It trains nothing.

  Args:
    texts: [N, W] float32 unit vectors, zero for products without a text.
    index: over `texts`.
    count: J, neighbours of each product of the basket; the query finds twice as many.
  """

  def __init__(self, texts: np.ndarray | tf.Variable, index: Index, count: int, **kwargs):
    super().__init__(**kwargs)
    self.index, self.count = index, min(count, texts.shape[0])
    self.texts = table(texts, "near_texts")
    rows, cosines = neighbours(texts, index, self.count)
    self.rows, self.cosines = table(rows, "text_neighbours"), table(cosines, "text_cosines")

  def near(self, basket: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The text neighbours of the products of a basket [B, M], pads below 0: rows and cosines [B, L], with repeats."""
    basket = trimmed(basket)
    rows = tf.where(basket[..., None] >= 0, tf.gather(self.rows, tf.maximum(basket, 0)), -1)
    flat = [tf.shape(basket)[0], -1]
    return tf.reshape(rows, flat), tf.reshape(rows_of(self.cosines, basket), flat)

  def asked(self, query: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What is near the query [B, W], best first; nothing where it is zero: rows and cosines [B, L], pads -1 and 0."""
    words = tf.reduce_any(query != 0, axis=1)[:, None]
    cosines, rows = self.index.search(query, min(2 * self.count, self.texts.shape[0]))
    rows = tf.where(words, rows, -1)
    return rows, tf.where(rows >= 0, cosines, 0.0)

  def columns(self, basket: tf.Tensor, query: tf.Tensor, rows: tf.Tensor) -> dict[str, tf.Tensor]:
    """What the texts say of candidates `rows` [B, K]: each [B, K] float32, 0 where there is no basket or no query.

    text_basket: mean cosine with the products of the basket; text_basket_best: the largest. text_asked: cosine with the
    query.
    """
    basket = trimmed(basket)
    given = tf.cast(basket >= 0, tf.float32)
    size = tf.reduce_sum(given, axis=1, keepdims=True)
    texts = rows_of(self.texts, rows)
    cosines = tf.einsum("bkw,bmw->bkm", texts, rows_of(self.texts, basket))
    best = tf.reduce_max(tf.where(given[:, None, :] > 0, cosines, -1.0), axis=-1)
    return {
      "text_basket": tf.reduce_sum(cosines, axis=-1) / tf.maximum(size, 1),
      "text_basket_best": tf.where(size > 0, best, 0.0),
      "text_asked": tf.einsum("bkw,bw->bk", texts, query),
    }


def neighbours(texts: np.ndarray | tf.Variable, index: Index, count: int) -> tuple[np.ndarray, np.ndarray]:
  """The `count` rows whose texts are nearest to each, without itself, and their cosines: [N, count] each; -1 and 0 where
  there are fewer, or the product has no text."""
  found, near = [], []
  for start in range(0, texts.shape[0], BLOCK):
    block = np.asarray(texts[start : start + BLOCK])
    cosines, rows = (x.numpy() for x in index.search(tf.constant(block), min(count + 1, texts.shape[0])))
    own = np.arange(start, start + len(block))[:, None]
    # Itself goes last, or the farthest where equal texts have pushed it out.
    last = np.argsort(rows == own, axis=1, kind="stable")[:, :count]
    rows, cosines = (np.take_along_axis(x, last, axis=1) for x in (rows, cosines))
    rows = np.where((rows == own) | ~block.any(axis=1, keepdims=True), -1, rows)
    missing = [[0, 0], [0, count - rows.shape[1]]]
    found.append(np.pad(rows, missing, constant_values=-1).astype(np.int32))
    near.append(np.pad(np.where(rows >= 0, cosines, 0), missing).astype(np.float32))
  return np.concatenate(found), np.concatenate(near)
