"""Held-out orders scored: the best of the whole catalogue for 4,000 queries, and the metric of them."""

import pathlib

import numpy as np

from benchmarks.index.__main__ import PER_CLUSTER, clustered
from benchmarks.speed import ceilings
from benchmarks.speed.rows import Row, compared, in_turns
from tfrec_combo.base.stack import tf, tfrs
from tfrec_combo.retrieval.best import columns
from tfrec_combo.training.loop import best_of, mean_of

QUERIES, DIM, K = 4000, 64, 100
BATCH = 256  # of the peer; ours takes its own
CORPUS = 128  # candidates at a time, as in the peer's tutorial


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Both have the vectors of queries and catalogue; the peer reports hit rates at one k, the least that it can do."""
  products = 10_000 if quick else 92_000
  clusters = products // PER_CLUSTER
  vectors, queries = clustered(products, DIM, clusters, 1), clustered(QUERIES, DIM, clusters, 2)
  wanted = np.random.default_rng(3).integers(0, products, QUERIES)
  batches = [
    {"query": tf.constant(queries[i : i + 64]), "target": tf.constant(wanted[i : i + 64, None])}
    for i in range(0, QUERIES, 64)
  ]
  ours = best_of(lambda batch: batch["query"])
  metric = tfrs.metrics.FactorizedTopK(tf.data.Dataset.from_tensor_slices(vectors).batch(CORPUS), ks=(K,))
  found = {}

  @tf.function
  def update(some: tf.Tensor, positives: tf.Tensor) -> tf.Tensor:
    metric.update_state(some, positives)
    return tf.constant(0)

  def peer() -> None:
    metric.reset_states()
    for i in range(0, QUERIES, BATCH):
      update(tf.constant(queries[i : i + BATCH]), tf.constant(vectors[wanted[i : i + BATCH]]))
    found["peer"] = float(metric.result()[0])

  def own() -> None:
    corpus = columns(vectors)
    found["ours"] = mean_of(lambda batch: ours(batch, corpus, K), batches, "HR", K)

  taken = in_turns({"ours": own, "peer": peer})
  if (
    abs(found["ours"] - found["peer"]) > 2 / QUERIES
  ):  # equal scores may fall on either side of the k-th place
    raise RuntimeError(f"ours and the peer do not measure the same: {found}")
  moved = vectors.nbytes + queries.nbytes
  floor = ceilings.here().seconds(flops=2 * QUERIES * products * DIM, moved=moved)
  note = (
    f"{QUERIES:,} queries over {products:,} vectors of {DIM} numbers, the first {K}; hit rate {found['ours']:.4f} and "
    f"{found['peer']:.4f}. The floor is the matrix product of scores alone."
  )
  return [
    compared(
      "evaluation",
      "tfrs.metrics.FactorizedTopK",
      taken["ours"],
      taken["peer"],
      wanted=10,
      floor=floor,
      note=note,
    )
  ]
