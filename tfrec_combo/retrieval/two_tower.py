"""The two-tower retrieval model, a `tfrs.Model` that Keras `compile` and `fit` train."""

from collections.abc import Iterator

import numpy as np

from tfrec_combo.base import config as c
from tfrec_combo.base.stack import tf, tfrs
from tfrec_combo.retrieval.loss import InBatchSoftmax
from tfrec_combo.retrieval.negatives import gathered, score_mask
from tfrec_combo.retrieval.train_step import OwnTrainStep, global_batch, in_float32
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.pads import trimmed
from tfrec_combo.towers.product import ProductTower
from tfrec_combo.towers.pseudo_query import PseudoQueries
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts
from tfrec_combo.towers.user import UserTower

FORM = 2  # of what the towers compute: weights that an earlier form has learnt are learnt anew
Batch = dict[str, tf.Tensor]


class TwoTower(OwnTrainStep):
  """Softmax over in-batch negatives with logQ correction (Yi et al., RecSys 2019).

  A batch holds history [B, H], history_days [B, H], basket [B, M], target [B, M], query [B] and context [B], as
  `pipeline.batches` gives them; products are catalogue rows, pads are -1.
  """

  def __init__(
    self,
    catalogue: Catalogue,
    texts: FrozenTexts | TrainedTexts,
    config: c.Config,
    seed: int | None = None,
    **kwargs,
  ):
    super().__init__(autocast=False, **kwargs)  # days in half precision would not be those of the training
    self.settings, self.towers = config.retrieval, config.towers
    self.seed = config.seed if seed is None else seed
    self.texts = texts
    self.product_tower = ProductTower(catalogue, texts.width, config.towers.dim, config.towers.id_dropout)
    self.user_tower = UserTower(config.towers.dim, texts.width)
    self.pseudo_queries = PseudoQueries(catalogue, config.retrieval.pseudo_queries, self.seed)
    self.product_tower.build([None])
    self.user_tower.build([None])
    orders = catalogue.train_orders + 1.0
    # Up to a factor, which the softmax does not see.
    self.sampling = table((orders / orders.max()).astype(np.float32), "sampling")
    self.task = in_float32(lambda: tfrs.tasks.Retrieval(loss=InBatchSoftmax(), remove_accidental_hits=False))

  def products(self, rows: tf.Tensor, training: bool = False, seed: tf.Tensor | None = None) -> tf.Tensor:
    """[R] int32 rows -> [R, D] unit vectors."""
    return self.product_tower(rows, self.texts.of_products(rows, training), training=training, seed=seed)

  def call(self, batch: Batch, training: bool = False) -> tf.Tensor:
    """Query vectors [B, D] of a batch."""
    return self.queries_and_positives(batch, self.texts.of_queries(batch["query"], training), None, training)[
      0
    ]

  def queries_and_positives(
    self,
    batch: Batch,
    words: tf.Tensor,
    positives: tf.Tensor | None,
    training: bool,
    seed: tf.Tensor | None = None,
  ) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Query vectors [B, D] with query texts `words` [B, W], and vectors [B * P, D] of `positives` [B, P]; each product of
    the batch is encoded once."""
    history, basket = trimmed(batch["history"][:, : self.towers.history]), trimmed(batch["basket"])
    parts = [history, basket] + ([] if positives is None else [positives])
    # The pad first: then all behind it are products, each once.
    distinct, index = tf.unique(tf.concat([[-1], *(tf.reshape(part, [-1]) for part in parts)], 0))
    other = tf.zeros(
      [tf.cast(tf.size(distinct) == 1, tf.int32)], tf.int32
    )  # product 0, where there are none at all
    vectors = self.products(tf.concat([distinct[1:], other], 0), training, seed)
    sizes = [1] + [tf.size(part) for part in parts]
    places = [tf.reshape(i, tf.shape(p)) - 1 for i, p in zip(tf.split(index, sizes)[1:], parts)]
    days = batch["history_days"][:, : tf.shape(history)[1]]
    queries = self.user_tower(vectors, places[0], days, places[1], words, batch["context"])
    return queries, None if positives is None else rows_of(vectors, tf.reshape(places[2], [-1]))

  def compute_loss(self, inputs: Batch, training: bool = False) -> tf.Tensor:
    """Mean loss of an order of the global batch, over all replicas: a scalar."""
    seed = self.step_seed(self.seed)
    words, targets = self.texts.of_queries(inputs["query"], training), inputs["target"]
    if training:
      words, targets = self.pseudo_queries(words, targets, self.texts, seed + tf.constant([2, 0]), training)
    positives = draw(targets, self.settings.targets, seed if training else None)
    queries, vectors = self.queries_and_positives(
      inputs, words, positives, training, seed + tf.constant([1, 0])
    )
    rows = tf.reshape(positives, [-1])
    candidates = gathered(vectors, rows, rows_of(self.sampling, rows))
    # Each order weighs one, however many of its products were drawn.
    weight = tf.cast(positives >= 0, tf.float32)
    weight = tf.reshape(weight / tf.maximum(tf.reduce_sum(weight, axis=1, keepdims=True), 1), [-1])
    mask = score_mask(positives, tf.concat([inputs["basket"], inputs["target"]], 1), candidates.rows)
    # Temperature and logQ correction go into the product of queries and candidates: over all pairs each would be a pass through
    # memory of its own, and TFRS would take probabilities below 1e-6, most of a large shop's, for 1e-6.
    asked = tf.repeat(queries / self.settings.temperature, tf.shape(positives)[1], axis=0)
    offered = candidates.vectors
    if self.settings.log_q:
      asked = tf.concat([asked, tf.ones([tf.shape(asked)[0], 1])], 1)
      offered = tf.concat([offered, -tf.math.log(tf.maximum(candidates.probability, 1e-12))[:, None]], 1)
    loss = self.task(
      asked,
      offered,
      sample_weight=weight,
      compute_metrics=False,
      compute_batch_metrics=False,
      score_mask=mask,
    )
    return loss / global_batch(tf.shape(positives)[0])

  def encode_catalogue(self, texts: np.ndarray | tf.Variable | None = None, batch: int = 4096) -> np.ndarray:
    """Vectors of all products, [N, D] float32, a batch at a time.

    texts: [N, W] text vectors where they are known already; none: they are encoded.
    """
    n = self.product_tower.seen.shape[0]
    vectors = np.empty([n, self.towers.dim], np.float32)
    for start in range(0, n, batch):
      part = slice(start, min(start + batch, n))
      rows = tf.range(part.start, part.stop)
      known = self._texts(rows) if texts is None else tf.convert_to_tensor(texts[part])
      vectors[part] = self._encode(rows, known).numpy()
    return vectors

  @tf.function(reduce_retracing=True)
  def _texts(self, rows: tf.Tensor) -> tf.Tensor:
    return self.texts.of_products(rows)

  @tf.function(reduce_retracing=True)
  def _encode(self, rows: tf.Tensor, texts: tf.Tensor) -> tf.Tensor:
    return self.product_tower(rows, texts)

  def encode_queries(self, batches: tf.data.Dataset) -> Iterator[np.ndarray]:
    """Query vectors of each batch."""
    for batch in batches:
      yield self._queries(batch).numpy()

  @tf.function(reduce_retracing=True)
  def _queries(self, batch: Batch) -> tf.Tensor:
    return self(batch)


def draw(targets: tf.Tensor, count: int, seed: tf.Tensor | None) -> tf.Tensor:
  """Draws `count` distinct products, at most M, from each row of targets [B, M]; -1 where a row has fewer. No seed: the
  first ones."""
  if seed is None:
    return targets[:, :count]
  chance = tf.random.stateless_uniform(tf.shape(targets), seed=seed)
  chosen = tf.math.top_k(
    tf.where(targets >= 0, chance, -1.0), tf.minimum(count, tf.shape(targets)[1])
  ).indices
  return tf.gather(targets, chosen, batch_dims=1)
