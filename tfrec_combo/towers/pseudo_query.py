"""Query texts made from the catalogue, so that a shop whose log has no queries still learns to read them."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.towers.constants import table
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts


class PseudoQueries(tf.keras.layers.Layer):
  """Gives a share of the requests without a query the text of a product like the one that was added.

  Like: another product of its leaf category, drawn once. The text of the added product itself would teach the towers to
  look for equal texts; that of its neighbour asks for the kind of thing. (Doc2query, Nogueira et al. 2019, makes queries
  from what is to be found in the same spirit.)
  """

  def __init__(self, catalogue: Catalogue, share: float, seed: int, **kwargs):
    super().__init__(**kwargs)
    self.share = share
    self.like = table(_like(catalogue, seed), "like")

  def call(
    self, queries: tf.Tensor, targets: tf.Tensor, texts: FrozenTexts | TrainedTexts, seed: tf.Tensor
  ) -> tf.Tensor:
    """queries: [B, W], zero where there is none. targets: [B, M] int32. seed: [2] int32. Returns [B, W]."""
    if not self.share:
      return queries
    first = targets[:, 0]
    drawn = tf.random.stateless_uniform(tf.shape(first), seed=seed) < self.share
    drawn &= (first >= 0) & tf.reduce_all(queries == 0, axis=1)
    made = texts.of_products(tf.gather(self.like, tf.maximum(first, 0)), training=True)
    return tf.where(drawn[:, None], made, queries)


def _like(catalogue: Catalogue, seed: int) -> np.ndarray:
  """For each product a row of its leaf category, [N] int32; itself where it is the only one or has no category."""
  leaf = catalogue.categories.max(axis=1)
  rows = np.arange(len(catalogue), dtype=np.int32)
  like = rows.copy()
  shuffled = np.random.default_rng(seed).permutation(rows)
  order = shuffled[np.argsort(leaf[shuffled], kind="stable")]
  for group in np.split(order, np.flatnonzero(np.diff(leaf[order])) + 1):
    if leaf[group[0]] > 0:
      like[group] = np.roll(group, 1)
  return like
