"""The ranking task: candidates of a request, scored together and trained listwise; a `tfrs.Model`."""

import numpy as np

from tfrec_combo.base import config as c
from tfrec_combo.base.stack import tf, tfrs
from tfrec_combo.combos.candidates import Candidates, Request
from tfrec_combo.combos.features import NAMES, Features
from tfrec_combo.retrieval.index import Index
from tfrec_combo.retrieval.train_step import OwnTrainStep, global_batch, in_float32
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.towers.pseudo_query import PseudoQueries
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts
from tfrec_combo.towers.user import UserTower

NO_CANDIDATE = -1e9


class ListwiseSoftmax(tf.keras.losses.Loss):
  """Cross-entropy between the softmax of a list's scores and its targets, each of equal weight (ListNet top one, Cao et
  al., ICML 2007). A list without a target has loss 0."""

  def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """y_true: [B, K] float, 1 for targets; y_pred: [B, K] logits, NO_CANDIDATE for none. Returns [B]."""
    share = y_true / tf.maximum(tf.reduce_sum(y_true, axis=1, keepdims=True), 1)
    return -tf.reduce_sum(share * tf.nn.log_softmax(y_pred, axis=1), axis=1)


class RankerNet(tf.keras.layers.Layer):
  """Deep and cross network v2 (Wang et al., WWW 2021) over standardised features: [B, K, F] -> logits [B, K]."""

  def __init__(self, settings: c.Ranker, **kwargs):
    super().__init__(dtype="float32", **kwargs)  # the layers inside follow the precision policy
    self.mean = table(np.zeros(len(NAMES), np.float32), "feature_mean")
    self.deviation = table(np.ones(len(NAMES), np.float32), "feature_deviation")
    self.crosses = [tfrs.layers.dcn.Cross(name=f"cross_{i}") for i in range(settings.crosses)]
    self.hidden = [
      tf.keras.layers.Dense(n, activation="relu", name=f"hidden_{i}") for i, n in enumerate(settings.layers)
    ]
    self.out = tf.keras.layers.Dense(1, name="out")

  def call(self, features: tf.Tensor) -> tf.Tensor:
    """features: [B, K, F] float32."""
    x0 = tf.clip_by_value((features - self.mean) / self.deviation, -6.0, 6.0)
    shape = tf.shape(x0)
    flat = x = tf.reshape(x0, [-1, len(NAMES)])
    for cross in self.crosses:
      # Keras would cast the first of the two alone.
      x = cross(*(tf.cast(part, cross.compute_dtype) for part in (flat, x)))
    deep = flat
    for layer in self.hidden:
      deep = layer(deep)
    logits = self.out(tf.concat([tf.cast(x, deep.dtype), deep], axis=-1))
    return tf.reshape(tf.cast(logits, tf.float32), shape[:2])


class Ranker(OwnTrainStep):
  """Retrieval, features and ranking of a request; only the ranking weights train.

  `index`, `user_tower` and `texts` come from a trained two-tower model. A batch is one of `pipeline.batches`.
  """

  def __init__(
    self,
    candidates: Candidates,
    features: Features,
    user_tower: UserTower,
    texts: FrozenTexts | TrainedTexts,
    index: Index,
    pseudo_queries: PseudoQueries,
    config: c.Config,
    **kwargs,
  ):
    super().__init__(autocast=False, **kwargs)
    self.pseudo_queries, self.seed = pseudo_queries, config.seed
    self.candidates, self.features, self.user_tower, self.texts, self.index = (
      candidates,
      features,
      user_tower,
      texts,
      index,
    )
    self.user_tower.trainable = self.texts.trainable = False
    self.k, self.lines_read = config.retrieval.k, config.towers.history
    self.net = RankerNet(config.ranker)
    self.net(tf.zeros([1, 1, len(NAMES)]))  # makes its weights, so that a checkpoint finds them
    self.task = in_float32(
      lambda: tfrs.tasks.Ranking(loss=ListwiseSoftmax(reduction=tf.keras.losses.Reduction.SUM))
    )

  def request(self, batch: dict[str, tf.Tensor], query: tf.Tensor | None = None) -> Request:
    """The request of a batch; `query` [B, W] stands in for the vectors of its query texts."""
    if query is None:
      query = tf.stop_gradient(self.texts.of_queries(batch["query"]))
    history = batch["history"][:, : self.lines_read]
    user = self.user_tower(
      rows_of(self.features.vectors, history),
      batch["history_days"][:, : self.lines_read],
      history >= 0,
      rows_of(self.features.vectors, batch["basket"]),
      batch["basket"] >= 0,
      query,
      batch["context"],
    )
    exclude = batch.get("exclude", tf.fill([tf.shape(history)[0], 1], -1))
    return Request(
      batch["history"], batch["history_days"], batch["basket"], exclude, query, tf.stop_gradient(user)
    )

  def lists(self, request: Request) -> tuple[tf.Tensor, tf.Tensor]:
    """Candidate rows [B, K] and their features [B, K, F]."""
    found = self.index.search(request.user, min(self.k, self.candidates.products))[1]
    blend = self.candidates(request, found)
    return blend.rows, tf.stop_gradient(self.features(request, blend, self.candidates))

  def rank(self, request: Request) -> tuple[tf.Tensor, tf.Tensor]:
    """All candidates best first: rows [B, K] int32, -1 for none, and scores [B, K] (NO_CANDIDATE for none)."""
    rows, features = self.lists(request)
    scores = tf.where(rows >= 0, self.net(features), NO_CANDIDATE)
    best = tf.math.top_k(scores, tf.shape(scores)[1])
    return tf.gather(rows, best.indices, batch_dims=1), best.values

  def call(self, batch: dict[str, tf.Tensor], training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
    """See `rank`."""
    return self.rank(self.request(batch))

  def training_request(self, batch: dict[str, tf.Tensor]) -> tuple[Request, tf.Tensor]:
    """As `request`, with query texts made up for a share of the batch; and the targets [B, M] that were asked for."""
    seed = self.step_seed(self.seed) + tf.constant([3, 0])
    words = self.texts.of_queries(batch["query"])
    made, targets = self.pseudo_queries(words, batch["target"], self.texts, seed)
    return self.request(batch, tf.stop_gradient(made)), targets

  def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Mean listwise loss of a request of the global batch: a scalar."""
    request, targets = self.training_request(inputs) if training else (self.request(inputs), inputs["target"])
    rows, features = self.lists(request)
    scores = tf.where(rows >= 0, self.net(features), NO_CANDIDATE)
    loss = self.task(labels=labels(rows, targets), predictions=scores, compute_metrics=False)
    return loss / global_batch(tf.shape(rows)[0])

  def standardise(self, batches: tf.data.Dataset) -> None:
    """Sets mean and deviation of the features from a few batches; a feature that never varies there is switched off."""
    seen = []
    for batch in batches:
      rows, features = self._lists(batch)
      seen.append(features.numpy()[rows.numpy() >= 0])
    values = np.concatenate(seen)
    self.net.mean.assign(values.mean(axis=0))
    # The weights of a constant feature are never trained: a shop without query texts is asked with one later.
    constant = values.max(axis=0) == values.min(axis=0)
    self.net.deviation.assign(np.where(constant, 1e9, np.maximum(values.std(axis=0), 1e-3)))

  @tf.function(reduce_retracing=True)
  def _lists(self, batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    return self.lists(self.training_request(batch)[0])


def labels(rows: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
  """1 where a candidate [B, K] is among the targets [B, M], else 0: [B, K] float32."""
  hit = tf.reduce_any(rows[:, :, None] == targets[:, None, :], axis=-1) & (rows >= 0)
  return tf.cast(hit, tf.float32)
