"""The peer of training: the model of TensorFlow Recommenders' retrieval tutorial, an embedding a user and one a product."""

import numpy as np
import polars as pl

from benchmarks.speed.learning import Clocked, HeldOut
from tfrec_combo.base.stack import tf, tfrs
from tfrec_combo.retrieval.best import best_rows, columns

WIDTH = 32  # this, Adagrad at 0.1 and the shuffle are the tutorial's
SHUFFLE = 100_000


class Tutorial(tfrs.Model):
  """Keras preprocessing layers in front of two embeddings, and the retrieval task without its metrics, which would cost a scan
  of the catalogue a step."""

  def __init__(self, users: list[str], products: list[str]):
    super().__init__()
    self.users, self.products = (_embedding(names) for names in (users, products))
    self.task = tfrs.tasks.Retrieval()

  def compute_loss(self, features: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
    """See `tfrs.Model.compute_loss`."""
    users, products = self.users(features["user_id"]), self.products(features["product_id"])
    return self.task(users, products, compute_metrics=False, compute_batch_metrics=False)


def learn(
  lines: pl.DataFrame,
  users: list[str],
  asked: list[str],
  ids: list[str],
  held_out: HeldOut,
  batch: int,
  seed: int,
) -> Clocked:
  """Trains on lines (user_id, product_id) until NDCG@10 has been no better four times in a row, looked at twice an epoch.

  users: of the vocabulary. asked: the user of each held-out order. ids: the catalogue.
  """
  tf.keras.utils.set_random_seed(seed)
  model = Tutorial(users, ids)
  model.compile(optimizer=tf.keras.optimizers.Adagrad(0.1))
  data = tf.data.Dataset.from_tensor_slices(
    {name: lines[name].to_numpy().astype(str) for name in ("user_id", "product_id")}
  )
  data = data.shuffle(SHUFFLE, seed=seed).batch(batch, drop_remainder=True).cache()
  score = tf.function(best_rows, reduce_retracing=True)

  def measured() -> float:
    vectors, queries = model.products(tf.constant(ids)).numpy(), model.users(tf.constant(asked)).numpy()
    products, k = columns(vectors), 10 + held_out.widest
    parts = (queries[i : i + 256] for i in range(0, len(queries), 256))
    return held_out.of(np.concatenate([score(tf.constant(part), products, k).numpy() for part in parts]))

  clock = Clocked(measured, every=max(1, len(lines) // batch // 2), patience=4)
  for _ in range(30):
    model.fit(data, epochs=1, verbose=0, callbacks=[clock])
    if model.stop_training:
      break
  return clock


def _embedding(names: list[str]) -> tf.keras.Sequential:
  lookup = tf.keras.layers.StringLookup(vocabulary=names, mask_token=None)
  return tf.keras.Sequential([lookup, tf.keras.layers.Embedding(len(names) + 1, WIDTH)])
