"""Terms that two products share, the rare ones most: a model number or a brand in both titles says more than the closeness of
their vectors."""

import collections
from collections.abc import Iterable, Sequence

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.pads import trimmed

TERMS = 40  # of a product, the rarest first
VOCABULARY = (
  50_000  # terms that are told apart, the most frequent first; a bag laid out densely has so many columns
)


class Lexical(tf.keras.layers.Layer):
  """Cosines of bags of terms, weighted by inverse document frequency (Sparck Jones, 1972). It trains nothing.

  What is asked for is laid out densely, so that a candidate costs one lookup for each of its terms.

  Args:
    bags: terms of each product, N of them. Terms of one product alone are left out, as nothing shares them.
  """

  def __init__(self, bags: Sequence[Iterable[str]], name: str = "lexical", **kwargs):
    super().__init__(name=name, **kwargs)
    terms, weights, rarity, vocabulary = weighted(bags)
    self.columns = len(rarity)
    self.terms = table(terms, f"{name}_terms")
    self.term_weights = table(weights, f"{name}_weights")
    self.rarity = table(rarity, f"{name}_rarity")
    keys, numbers = tf.constant([*vocabulary, ""]), tf.constant([*range(1, len(vocabulary) + 1), 0])
    self.numbers = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, numbers), 0)

  def basket(self, basket: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Mean cosine of candidates [B, K] with the products of a basket [B, M], pads below 0: [B, K]; 0 where it is empty."""
    basket = trimmed(basket)
    size = tf.reduce_sum(tf.cast(basket >= 0, tf.float32), axis=1)
    weights = rows_of(self.term_weights, basket) / tf.maximum(size, 1)[:, None, None]
    return self._with(self._dense(rows_of(self.terms, basket), weights), rows)

  def query(self, texts: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    """Cosine of candidates [B, K] with texts [B] string: [B, K]; 0 where they share no term."""
    found = self.numbers.lookup(terms(texts).to_tensor(""))
    bag = self._dense(found, tf.gather(self.rarity, found))
    return self._with(tf.math.l2_normalize(bag, axis=1), rows)

  def _dense(self, numbers: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """[B, ...] numbers and weights to [B, V]; number 0 is no term."""
    batch = tf.shape(numbers)[0]
    offset = tf.reshape(tf.range(batch) * self.columns, [-1] + [1] * (numbers.shape.rank - 1))
    flat = tf.reshape(numbers + offset, [-1])
    weights = tf.reshape(tf.where(numbers > 0, weights, 0.0), [-1])
    bag = tf.math.unsorted_segment_sum(weights, flat, batch * self.columns)
    return tf.reshape(bag, [batch, self.columns])

  def _with(self, bag: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    held = tf.gather(bag, rows_of(self.terms, rows), batch_dims=1)
    return tf.reduce_sum(held * rows_of(self.term_weights, rows), axis=-1)


def weighted(bags: Sequence[Iterable[str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
  """Numbers [N, T] int32 of the terms and weights [N, T] float32 of unit length, 0 for pads; weight of each number [V], 0 for
  number 0; and the terms of the numbers from 1 on."""
  counted = [set(bag) - {""} for bag in bags]
  seen = collections.Counter(term for bag in counted for term in bag)
  kept = sorted((t for t, n in seen.items() if n > 1), key=lambda t: (-seen[t], t))[: VOCABULARY - 1]
  number = {term: i + 1 for i, term in enumerate(kept)}
  often = np.array([seen[term] for term in kept], np.float32)
  rarity = np.concatenate([[0], np.log((len(counted) + 1) / (often + 0.5))]).astype(np.float32)
  numbers = np.zeros([len(counted), TERMS], np.int32)
  for row, bag in enumerate(counted):
    own = sorted((number[t] for t in bag if t in number), reverse=True)[:TERMS]
    numbers[row, : len(own)] = own
  weights = rarity[numbers]
  length = np.sqrt((weights**2).sum(axis=1, keepdims=True))
  return numbers, weights / np.maximum(length, 1e-9), rarity, kept


def terms(texts: tf.Tensor) -> tf.RaggedTensor:
  """texts [S] string -> [S, ...] string: words in lower case without the s of a plural, and each two side by side."""
  plain = tf.strings.regex_replace(tf.strings.lower(texts, encoding="utf-8"), r"[^\pL\pN]+", " ")
  words = tf.strings.split(plain)
  words = words.with_flat_values(tf.strings.regex_replace(words.flat_values, r"^(.{2,}[^s])s$", r"\1"))
  pairs = tf.strings.join([words[:, :-1], words[:, 1:]], separator=" ")
  return tf.concat([words, pairs], axis=1)


def words_of(texts: Sequence[str], block: int = 4096) -> list[list[str]]:
  """`terms` of many texts, in Python."""
  parts = (terms(tf.constant(list(texts[i : i + block]), tf.string)) for i in range(0, len(texts), block))
  return [[t.decode() for t in bag] for part in parts for bag in part.to_list()]
