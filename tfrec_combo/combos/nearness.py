"""How near candidates are to all that a request holds, from the candidates' own neighbours: the sources read only the newest
lines of a history, this reads them all."""

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Candidates
from tfrec_combo.combos.merge import merge

BUCKETS = 65_536  # of a request's table of what it holds, by the number of the product
ROW = 2**32  # keeps the keys of a batch's rows apart


def nearness(rows: tf.Tensor, held: tf.Tensor, weights: tf.Tensor, counts: Candidates) -> tf.Tensor:
  """Sum over the neighbours of each candidate of their cosine times their weight in the request: [B, K, C].

  Of all the neighbours few are held by the request. A small table passes those, and some that share a bucket; they are then
  looked up among its products. Neither grows with the catalogue, as a row of N weights for each request would.

  Args:
    rows: [B, K] int32 candidates, pads below 0.
    held: [B, S] int32 products of the request, pads below 0, repeats add up.
    weights: [B, S, C] float32, what each of them weighs in C ways.
  """
  batch, width, channels = tf.shape(rows)[0], tf.shape(rows)[1], weights.shape[-1]
  near = tf.where(rows[..., None] >= 0, tf.gather(counts.rows, tf.maximum(rows, 0)), -1)
  at = tf.where(_perhaps(near, held, min(counts.products, BUCKETS)))  # [M, 3]
  near = tf.gather_nd(near, at)
  distinct = merge([held])
  of_product = distinct.add(0, weights * tf.cast(held >= 0, tf.float32)[..., None])
  # Ascending over the whole batch; the empty places at the end of a row come after what it holds.
  last = tf.range(tf.shape(held)[1] + 1) > 0
  places = tf.cast(tf.where((distinct.rows < 0) & last, tf.int32.max, distinct.rows), tf.int64)
  keys = tf.reshape(places + ROW * tf.range(tf.cast(batch, tf.int64))[:, None], [-1])
  asked = tf.cast(near, tf.int64) + ROW * at[:, 0]
  place = tf.minimum(tf.searchsorted(keys, asked), tf.size(keys) - 1)
  weight = tf.gather(tf.reshape(of_product, [-1, channels]), place)
  there = tf.gather(keys, place) == asked
  own = tf.gather_nd(rows, at[:, :2])
  seen = tf.gather_nd(counts.together, tf.stack([tf.cast(own, tf.int64), at[:, 2]], axis=1))
  often = [tf.maximum(tf.gather(counts.orders, products), 1) for products in (own, near)]
  cosine = tf.where(there, seen / (tf.sqrt(often[0] * often[1]) + counts.shrink), 0.0)
  candidate = tf.cast(at[:, 0], tf.int32) * width + tf.cast(at[:, 1], tf.int32)
  found = tf.math.unsorted_segment_sum(cosine[:, None] * weight, candidate, batch * width)
  return tf.reshape(found, [batch, width, channels])


def _perhaps(near: tf.Tensor, held: tf.Tensor, buckets: int) -> tf.Tensor:
  """Which of `near` [B, K, J] may be among `held` [B, S], pads below 0 in both: [B, K, J] bool, True for all that are."""
  batch = tf.shape(held)[0]
  offset = tf.range(batch) * buckets
  known = tf.cast(held >= 0, tf.int32)
  table = tf.math.unsorted_segment_max(
    known, tf.maximum(held, 0) % buckets + offset[:, None], batch * buckets
  )
  return (tf.gather(table, tf.maximum(near, 0) % buckets + offset[:, None, None]) > 0) & (near >= 0)
