"""Query texts made from the catalogue, so that a shop whose log has no queries still learns to read them."""

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.catalogue import LEVELS, Catalogue
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts


class PseudoQueries(tf.keras.layers.Layer):
  """Gives a share of the requests without a query one that asks for some of what was added.

  The words are the name of a category that an added product lies in, or the text of another product of its leaf category;
  the text of the added product itself would teach the towers to look for equal texts. What is asked for are the added
  products of that category, and no others. (doc2query, Nogueira et al. 2019, makes queries from what is to be found in the
  same spirit.)
  """

  def __init__(self, catalogue: Catalogue, share: float, seed: int, **kwargs):
    super().__init__(dtype="float32", **kwargs)  # a mixed policy would cast the first input and no other
    self.share = share
    self.like = table(_like(catalogue, seed), "like")
    self.categories = table(catalogue.categories, "categories_of_products")

  def call(
    self,
    queries: tf.Tensor,
    targets: tf.Tensor,
    texts: FrozenTexts | TrainedTexts,
    seed: tf.Tensor,
    training: bool = False,
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws who gets a query, and which.

    Args:
      queries: [B, W] text vectors, zero where there is no query.
      targets: [B, M] int32, what was added; pads are below 0.
      seed: [2] int32 of the draw.
      training: whether the texts are in training, with dropout.

    Returns:
      queries [B, W], and targets [B, M], -1 for those that were not asked for.
    """
    if not self.share:
      return queries, targets
    first = targets[:, 0]
    chance = tf.random.stateless_uniform([tf.shape(first)[0], 2], seed=seed)
    drawn = (chance[:, 0] < self.share) & (first >= 0) & tf.reduce_all(queries == 0, axis=1)
    path = rows_of(self.categories, first)
    # Along one path the deeper category has the higher number, as names are sorted and a parent's comes before its child's.
    leaf = tf.reduce_max(path, axis=1)
    level = tf.cast(
      chance[:, 1] * LEVELS, tf.int32
    )  # 0, the top, says too little: there the text of a product stands in
    named = tf.gather(path, level, batch_dims=1)
    asked = tf.where((level > 0) & (named > 0), named, leaf)
    name = texts.of_categories(asked)
    by_name = (level > 0) & tf.reduce_any(name != 0, axis=1)
    text = texts.of_products(tf.gather(self.like, tf.maximum(first, 0)), training)
    made = tf.where(by_name[:, None], name, text)
    relevant = (
      tf.reduce_any(rows_of(self.categories, targets) == asked[:, None, None], axis=-1) & (asked > 0)[:, None]
    )
    relevant = (relevant | (targets == first[:, None])) & (targets >= 0)
    kept = tf.where(relevant, targets, -1)
    return tf.where(drawn[:, None], made, queries), tf.where(drawn[:, None], kept, targets)


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
