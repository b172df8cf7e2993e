"""The ranking task: candidates of a request, scored together and trained listwise; a `tfrs.Model`."""

import numpy as np

from tfrec_combo.base import config as c
from tfrec_combo.base import settings as s
from tfrec_combo.base.stack import tf, tfrs
from tfrec_combo.combos.candidates import NO_CANDIDATE, Blend, Candidates, Request, Wishes
from tfrec_combo.combos.co_purchase import CoPurchase
from tfrec_combo.combos.features import NAMES, Features
from tfrec_combo.combos.habits import Habits
from tfrec_combo.retrieval.index import Index
from tfrec_combo.retrieval.train_step import OwnTrainStep, global_batch, in_float32
from tfrec_combo.towers.constants import table
from tfrec_combo.towers.pseudo_query import PseudoQueries
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts
from tfrec_combo.towers.user import UserTower

LISTED = 200  # products of a training list


class ListwiseSoftmax(tf.keras.losses.Loss):
  """Mean over a list's targets of the cross-entropy of each among itself and the list's other products: the targets do not
  compete with each other, as a softmax over the whole list (ListNet top one, Cao et al., ICML 2007) has them do. A list
  without a target has loss 0."""

  def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """y_true: [B, K] float, 1 for targets; y_pred: [B, K] logits, NO_CANDIDATE for none. Returns [B]."""
    others = tf.reduce_logsumexp(tf.where(y_true > 0, NO_CANDIDATE, y_pred), axis=1, keepdims=True)
    total = tf.reduce_sum(y_true * tf.nn.softplus(others - y_pred), axis=1)
    return total / tf.maximum(tf.reduce_sum(y_true, axis=1), 1)


class Member(tf.keras.layers.Layer):
  """Deep and cross network v2 (Wang et al., WWW 2021): [R, F] -> logits [R]."""

  def __init__(self, settings: s.Ranker, **kwargs):
    super().__init__(dtype="float32", **kwargs)  # the layers inside follow the precision policy
    self.crosses = [tfrs.layers.dcn.Cross(name=f"cross_{i}") for i in range(settings.crosses)]
    self.hidden = [
      tf.keras.layers.Dense(n, activation="relu", name=f"hidden_{i}") for i, n in enumerate(settings.layers)
    ]
    self.out = tf.keras.layers.Dense(1, name="out")

  def call(self, flat: tf.Tensor) -> tf.Tensor:
    """flat: [R, F] float32, standardised."""
    x = flat
    for cross in self.crosses:
      # Keras would cast the first of the two alone.
      x = cross(*(tf.cast(part, cross.compute_dtype) for part in (flat, x)))
    deep = flat
    for layer in self.hidden:
      deep = layer(deep)
    logits = self.out(tf.concat([tf.cast(x, deep.dtype), deep], axis=-1))
    return tf.cast(logits[:, 0], tf.float32)


class RankerNet(tf.keras.layers.Layer):
  """Mean of several networks over standardised features, each trained for itself: [B, K, F] -> logits [B, K].

  They see the same lists and differ by their first weights; their mean ranks better than any (deep ensembles,
  Lakshminarayanan et al., NeurIPS 2017).
  """

  def __init__(self, settings: s.Ranker, **kwargs):
    super().__init__(dtype="float32", **kwargs)
    self.mean = table(np.zeros(len(NAMES), np.float32), "feature_mean")
    self.deviation = table(np.ones(len(NAMES), np.float32), "feature_deviation")
    self.members = [Member(settings, name=f"member_{i}") for i in range(settings.members)]

  def standardise(self, values: np.ndarray) -> None:
    """Sets mean and deviation of the features from values [n, F]; a feature that never varies there is switched off."""
    self.mean.assign(values.mean(axis=0))
    # The weights of a constant feature are never trained: a shop without query texts is asked with one later.
    constant = values.max(axis=0) == values.min(axis=0)
    self.deviation.assign(np.where(constant, 1e9, np.maximum(values.std(axis=0), 1e-3)))

  def call(self, features: tf.Tensor) -> tf.Tensor:
    """features: [B, K, F] float32."""
    return tf.add_n(self.each(features)) / len(self.members)

  def each(self, features: tf.Tensor) -> list[tf.Tensor]:
    """The logits [B, K] of each member."""
    x0 = tf.clip_by_value((features - self.mean) / self.deviation, -6.0, 6.0)
    shape = tf.shape(x0)
    flat = tf.reshape(x0, [-1, len(NAMES)])
    return [tf.reshape(member(flat), shape[:2]) for member in self.members]


class Ranker(OwnTrainStep):
  """Retrieval, features and ranking of a request; only the ranking weights train: the first stage's and the net's.

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
    self.hidden = config.ranker.hidden_history
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
      self.features.vectors,
      history,
      batch["history_days"][:, : self.lines_read],
      batch["basket"],
      query,
      batch["context"],
    )
    exclude = batch.get("exclude", tf.fill([tf.shape(history)[0], 1], -1))
    return Request(
      batch["history"],
      batch["history_days"],
      batch["basket"],
      exclude,
      query,
      tf.stop_gradient(user),
      batch["query"],
    )

  @property
  def tracked(self) -> dict[str, tf.keras.layers.Layer]:
    """What a checkpoint holds: the parts that train."""
    return {"net": self.net, "first_stage": self.candidates.first_stage}

  def learn(self, counts: CoPurchase, habits: Habits | None = None) -> None:
    """Takes over what a part of the log tells of products."""
    self.candidates.learn(counts, habits)
    self.features.learn(counts, self.candidates.shrink)

  def pool(self, request: Request, wishes: Wishes | None = None) -> Blend:
    """All candidates of a request, by the first stage."""
    found = self.index.search(request.user, min(self.k, self.candidates.products))[1]
    return self.candidates.pool(request, found, wishes)

  def lists(self, request: Request, wishes: Wishes | None = None) -> tuple[tf.Tensor, tf.Tensor]:
    """Candidate rows [B, K] and their features [B, K, F]."""
    blend = self.pool(request, wishes).best(self.candidates.count)
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
    """As `request`, with query texts made up for a share of the batch and the history kept from another; and the targets [B, M]
    that were asked for."""
    step = self.step_seed(self.seed)
    hidden = (
      tf.random.stateless_uniform(tf.shape(batch["history"])[:1], seed=step + tf.constant([5, 0]))
      < self.hidden
    )
    batch = batch | {"history": tf.where(hidden[:, None], -1, batch["history"])}
    seed = step + tf.constant([3, 0])
    words = self.texts.of_queries(batch["query"])
    made, targets = self.pseudo_queries(words, batch["target"], self.texts, seed)
    return self.request(batch, tf.stop_gradient(made)), targets

  def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Mean loss of a request of the global batch, of the first stage over all that the sources bring and of the net over
    what is ranked: a scalar."""
    request, targets = self.training_request(inputs) if training else (self.request(inputs), inputs["target"])
    pool = self.pool(request)
    first = self.task(labels=labels(pool.rows, targets), predictions=pool.stage, compute_metrics=False)
    blend = pool.best(self.candidates.count)
    if training:
      blend = sample(blend, targets, LISTED, self.step_seed(self.seed) + tf.constant([4, 0]))
    features = tf.stop_gradient(self.features(request, blend, self.candidates))
    return self.list_loss(blend.rows >= 0, features, labels(blend.rows, targets)) + first / global_batch(
      tf.shape(pool.rows)[0]
    )

  def list_loss(self, candidate: tf.Tensor, features: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Mean loss of a list of the global batch, over the net's members: a scalar.

    candidate: [B, K] bool, False for pads. features: [B, K, F]. wanted: [B, K] float32, 1 for targets.
    """
    losses = [
      self.task(labels=wanted, predictions=tf.where(candidate, scores, NO_CANDIDATE), compute_metrics=False)
      for scores in self.net.each(features)
    ]
    return tf.add_n(losses) / len(losses) / global_batch(tf.shape(wanted)[0])

  def standardise(self, batches: tf.data.Dataset) -> None:
    """Standardises the net's features by a few batches."""
    seen = []
    for batch in batches:
      rows, features = self._lists(batch)
      seen.append(features.numpy()[rows.numpy() >= 0])
    self.net.standardise(np.concatenate(seen))

  @tf.function(reduce_retracing=True)
  def _lists(self, batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    return self.lists(self.training_request(batch)[0])


def sample(blend: Blend, targets: tf.Tensor, count: int, seed: tf.Tensor) -> Blend:
  """`count` of the candidates: the targets [B, M] among them first, the others drawn evenly. The softmax over a part of the list
  keeps the order of the scores, at a part of the work."""
  chance = tf.random.stateless_uniform(tf.shape(blend.rows), seed=seed)
  chance = tf.where(blend.rows >= 0, chance + 2 * labels(blend.rows, targets), -1.0)
  return blend.at(tf.math.top_k(chance, tf.minimum(count, tf.shape(chance)[1])).indices)


def labels(rows: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
  """1 where a candidate [B, K] is among the targets [B, M], else 0: [B, K] float32."""
  hit = tf.reduce_any(rows[:, :, None] == targets[:, None, :], axis=-1) & (rows >= 0)
  return tf.cast(hit, tf.float32)
