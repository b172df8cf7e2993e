"""In-batch negatives: gathered over replicas, and masked where they are no negatives."""

import dataclasses

from tfrec_combo.base.stack import tf


@dataclasses.dataclass(frozen=True)
class Candidates:
  """Positives of every replica, this replica's own first, as TFRS's retrieval task expects them.

  vectors: [G, D]. rows: [G] int32, product rows, below 0 for pads. probability: [G], chance to be drawn into a batch.
  """

  vectors: tf.Tensor
  rows: tf.Tensor
  probability: tf.Tensor


def gathered(vectors: tf.Tensor, rows: tf.Tensor, probability: tf.Tensor) -> Candidates:
  """Concatenates the candidates [R] of all replicas and rolls them so that this replica's come first.

  Without this each replica would see its own negatives alone: 64 examples on 2 replicas would give a loss of ln 32.
  """
  context = tf.distribute.get_replica_context()
  if context is None or context.num_replicas_in_sync == 1:
    return Candidates(vectors, rows, probability)
  # One by one: the gradient of a gathered list fails where it holds integers beside floats.
  everyone = [context.all_gather(part, axis=0) for part in (vectors, rows, probability)]
  # Replicas may hold unequal shares of a last, smaller batch.
  sizes = context.all_gather(tf.shape(rows)[:1], axis=0)
  shift = -tf.reduce_sum(sizes[: context.replica_id_in_sync_group])
  return Candidates(*(tf.roll(part, shift, axis=0) for part in everyone))


def score_mask(positives: tf.Tensor, orders: tf.Tensor, candidates: tf.Tensor) -> tf.Tensor:
  """Which candidates count for each positive.

  Masked: pads; products of the same order (in the basket or added, they are no negatives); and accidental hits, further
  copies of the positive itself. The positive stays.

  Args:
    positives: [B, P] int32, products drawn from each order.
    orders: [B, S] int32, all products of each order, pads below 0.
    candidates: [G] int32, G >= B * P; candidate b * P + p is positive p of order b.

  Returns:
    [B * P, G] bool.
  """
  # Every product of an order finds its place among the sorted candidates and is ticked off there: to compare each with each
  # candidate is S passes over [B, G].
  places = tf.sort(candidates)
  held = tf.where(orders >= 0)
  product = tf.gather_nd(orders, held)
  at = tf.minimum(tf.searchsorted(places, product), tf.size(places) - 1)
  found = tf.gather(places, at) == product
  ticked = tf.boolean_mask(tf.stack([tf.cast(held[:, 0], tf.int32), at], axis=1), found)
  size = [tf.shape(orders)[0], tf.size(places)]
  table = tf.scatter_nd(ticked, tf.ones(tf.shape(ticked)[:1], tf.int32), size) > 0
  same = tf.gather(table, tf.searchsorted(places, candidates), axis=1)
  counts = tf.repeat(~same & (candidates >= 0)[None, :], tf.shape(positives)[1], axis=0)
  return counts | tf.eye(tf.size(positives), tf.shape(candidates)[0], dtype=tf.bool)
