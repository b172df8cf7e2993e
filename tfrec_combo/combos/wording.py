"""What the words of products say beside the orders: nearness of texts, shared terms and shared categories."""

from collections.abc import Sequence

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.lexical import Lexical, words_of
from tfrec_combo.combos.text_near import TextNear
from tfrec_combo.retrieval.index import Index
from tfrec_combo.towers.catalogue import Catalogue

COLUMNS = (
  "text_basket", "text_basket_best", "text_asked", "words_basket", "words_asked", "kinds_basket",
)  # fmt: skip


class Wording(tf.keras.layers.Layer):
  """Candidates and columns from words alone, for products that no or few orders hold. It trains nothing.

  Args:
    texts: [N, W] text vectors; index: over them. count: text neighbours of a product.
  """

  def __init__(
    self, catalogue: Catalogue, texts: np.ndarray | tf.Variable, index: Index, count: int, **kwargs
  ):
    super().__init__(**kwargs)
    self.near = TextNear(texts, index, count)
    self.terms = Lexical(words_of(catalogue.texts), name="terms")
    self.kinds = Lexical(_kinds(catalogue.categories), name="kinds")

  def columns(
    self, basket: tf.Tensor, query: tf.Tensor, said: tf.Tensor, rows: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """COLUMNS of candidates `rows` [B, K], each [B, K] float32.

    basket: [B, M] rows, pads below 0. query: [B, W] text vectors; said: [B] string, the texts themselves.
    """
    return {
      **self.near.columns(basket, query, rows),
      "words_basket": self.terms.basket(basket, rows),
      "words_asked": self.terms.query(said, rows),
      "kinds_basket": self.kinds.basket(basket, rows),
    }


def _kinds(categories: np.ndarray) -> Sequence[list[str]]:
  return [[str(kind) for kind in path if kind > 0] for path in categories.tolist()]
