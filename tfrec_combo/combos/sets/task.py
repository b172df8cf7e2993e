"""The task that trains the set model, over a trained ranker's lists."""

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Request
from tfrec_combo.combos.ranker import Ranker, labels
from tfrec_combo.combos.sets.pairs import pairs
from tfrec_combo.combos.sets.scorer import SetScorer, about, of_request
from tfrec_combo.retrieval.train_step import OwnTrainStep, global_batch

MOST_CHOSEN = 3  # products that a training set holds beside the one that is asked for
SCALE = 0.1  # of a request's loss, a sum over hundreds of candidates of which few are bought


class SetTask(OwnTrainStep):
  """Trains a `SetScorer`: some of what was bought is given as the set so far, the rest of it is to be told from the list.

  The ranker stands still. A batch is one of `pipeline.batches`, of orders that its counts have not seen.
  """

  def __init__(self, ranker: Ranker, scorer: SetScorer, seed: int, **kwargs):
    super().__init__(autocast=False, **kwargs)
    # Past Keras's tracking, as nothing of it trains here.
    object.__setattr__(self, "ranker", ranker)
    self.scorer, self.seed = scorer, seed

  def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """Mean loss of a request of the global batch: a scalar."""
    seed = self.step_seed(self.seed) + tf.constant([5, 0]) if training else tf.constant([self.seed, 0])
    given = examples(self.ranker, *self.asked(inputs, training), seed)[1]
    return list_loss(self.scorer, self.ranker, given)

  def asked(self, inputs: dict[str, tf.Tensor], training: bool) -> tuple[Request, tf.Tensor]:
    """The requests of a batch and their targets."""
    if not training:
      return self.ranker.request(inputs), inputs["target"]
    words = self.ranker.texts.of_queries(inputs["query"])
    seed = self.step_seed(self.seed) + tf.constant([6, 0])
    made, targets = self.ranker.pseudo_queries(words, inputs["target"], self.ranker.texts, seed)
    return self.ranker.request(inputs, tf.stop_gradient(made)), targets

  def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """See `compute_loss`."""
    return self.compute_loss(inputs, training)


def examples(
  ranker: Ranker, request: Request, targets: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """The rows [B, K] of the ranker's list of each request, and with a drawn part of its targets [B, M] as the set so far what
  `list_loss` reads:

  features [B, K, F], candidate [B, K] bool, target [B, K] float32, places [B, S] and chosen [B, S] bool of the drawn ones,
  pairs [B, K, S, P] of each candidate with those, said [B, 4] of the request.
  """
  rows, features = ranker.lists(request)
  wanted = labels(rows, targets)
  places, chosen = draw(wanted, seed)
  others = tf.where(chosen, tf.gather(rows, places, batch_dims=1), -1)
  found = pairs(rows, others, request, ranker.features, ranker.candidates).values
  made = {
    "features": features,
    "candidate": rows >= 0,
    "target": wanted,
    "places": places,
    "chosen": chosen,
    "pairs": found,
    "said": of_request(request),
  }
  return rows, {name: tf.stop_gradient(value) for name, value in made.items()}


def draw(wanted: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  """Up to MOST_CHOSEN of the wanted [B, K] of each list, at least one fewer than there are: places [B, S] and [B, S] bool,
  False for none."""
  chance = tf.random.stateless_uniform(tf.shape(wanted), seed=seed)
  places = tf.math.top_k(chance * wanted, tf.minimum(MOST_CHOSEN, tf.shape(wanted)[1])).indices
  most = tf.minimum(tf.reduce_sum(wanted, axis=1) - 1, MOST_CHOSEN)
  number = tf.floor(tf.random.stateless_uniform(tf.shape(wanted)[:1], seed=seed + 1) * (most + 1))
  return places, tf.range(tf.shape(places)[1], dtype=tf.float32)[None, :] < number[:, None]


def list_loss(scorer: SetScorer, ranker: Ranker, given: dict[str, tf.Tensor]) -> tf.Tensor:
  """Mean of `SetScorer.loss` over the global batch, of what `examples` made: a scalar."""
  candidate, chosen = given["candidate"], given["chosen"]
  scores = tf.stop_gradient(ranker.net(tf.cast(given["features"], tf.float32)))
  places = tf.where(chosen, given["places"], -1)
  taken = tf.reduce_any(places[:, None, :] == tf.range(tf.shape(candidate)[1])[None, :, None], axis=-1)
  loss = scorer.loss(
    about(candidate, scores, given["said"]),
    tf.cast(given["pairs"], tf.float32),
    chosen,
    given["target"],
    candidate & ~taken,
  )
  return SCALE * tf.reduce_sum(loss) / global_batch(tf.shape(candidate)[0])
