"""Joins what several sources say of the same product, for each request of a batch, in fixed work and without a table of N."""

import dataclasses

from tfrec_combo.base.stack import tf


@dataclasses.dataclass(frozen=True)
class Merged:
  """The distinct products of all sources, by request.

  rows: [B, L] int32, distinct, -1 where there are fewer than L. places: one [B, L_s] int32 a source: where each of its
  entries went.
  """

  rows: tf.Tensor
  places: list[tf.Tensor]

  def add(self, source: int, values: tf.Tensor) -> tf.Tensor:
    """Sums the values [B, L_s, ...] of a source by product: [B, L, ...]; 0 where it does not name the product."""
    return self._by_product(tf.math.unsorted_segment_sum, source, values)

  def largest(self, source: int, values: tf.Tensor) -> tf.Tensor:
    """Largest of the values [B, L_s, ...] >= 0 of a source by product: [B, L, ...]; 0 where it does not name the product."""
    return tf.maximum(self._by_product(tf.math.unsorted_segment_max, source, values), 0)

  def _by_product(self, reduce, source: int, values: tf.Tensor) -> tf.Tensor:
    flat, shape = self._flat(source)
    inner = values.shape[2:]
    found = reduce(tf.reshape(values, [-1, *inner]), flat, shape[0] * shape[1])
    return tf.reshape(found, [shape[0], shape[1], *inner])

  def _flat(self, source: int) -> tuple[tf.Tensor, tf.Tensor]:
    shape = tf.shape(self.rows)
    offset = tf.range(shape[0])[:, None] * shape[1]
    return tf.reshape(self.places[source] + offset, [-1]), shape


def merge(sources: list[tf.Tensor]) -> Merged:
  """Finds the distinct rows of sources [B, L_s] int32, pads below 0, by one sort of each request.

  Pads share one place, the first, whose row is -1.
  """
  every = tf.concat(sources, axis=1)
  every = tf.maximum(every, -1)
  batch, length = tf.unstack(tf.shape(every))
  order = tf.argsort(every, axis=1, stable=True)
  ordered = tf.gather(every, order, batch_dims=1)
  # Place 0 is the pads' even where there are none.
  first = tf.cast(ordered[:, :1] >= 0, tf.int32)
  steps = tf.concat([first, tf.cast(ordered[:, 1:] != ordered[:, :-1], tf.int32)], axis=1)
  place = tf.cumsum(steps, axis=1)
  offset = tf.range(batch)[:, None]
  flat_order = tf.reshape(order + offset * length, [-1, 1])
  places = tf.reshape(tf.scatter_nd(flat_order, tf.reshape(place, [-1]), [batch * length]), [batch, length])
  flat_place = tf.reshape(place + offset * (length + 1), [-1])
  rows = tf.math.unsorted_segment_max(tf.reshape(ordered, [-1]), flat_place, batch * (length + 1))
  rows = tf.maximum(tf.reshape(rows, [batch, length + 1]), -1)
  sizes = [tf.shape(source)[1] for source in sources]
  return Merged(rows, tf.split(places, sizes, axis=1))
