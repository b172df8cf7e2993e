"""In-batch negatives: what is masked, and what is gathered over replicas."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.negatives import gathered, score_mask


def test_own_products_pads_and_accidental_hits_are_no_negatives():
  positives = tf.constant([[2, 3], [4, -1]])
  orders = tf.constant([[1, -1, 2, 3], [2, -1, 4, -1]])  # basket and target
  candidates = tf.constant([2, 3, 4, -1, 1, 2, 5, 4])  # this replica's positives, then another's
  expected = [
    # order 0 holds 1, 2, 3; its positives stand at places 0 and 1
    [1, 0, 1, 0, 0, 0, 1, 1],
    [0, 1, 1, 0, 0, 0, 1, 1],
    # order 1 holds 2, 4; place 3 is a pad, which keeps itself so that its softmax is finite
    [0, 1, 1, 0, 1, 0, 1, 0],
    [0, 1, 0, 1, 1, 0, 1, 0],
  ]
  np.testing.assert_array_equal(score_mask(positives, orders, candidates), np.array(expected, bool))


def test_one_device_gathers_what_it_has():
  parts = tf.constant(makers.unit(3, 2)), tf.constant([4, -1, 5]), tf.constant([0.1, 0.0, 0.2])
  found = gathered(*parts)
  for part, value in zip(parts, (found.vectors, found.rows, found.probability)):
    np.testing.assert_array_equal(part, value)


@pytest.mark.parametrize("sizes", [(3, 3), (3, 2), (2, 0)])
def test_each_replica_gathers_everyone_and_its_own_first(sizes):
  strategy = makers.replicas()
  first = (0, sizes[0])

  def per_replica(make):
    return strategy.experimental_distribute_values_from_function(
      lambda context: make(first[context.replica_id_in_sync_group], sizes[context.replica_id_in_sync_group])
    )

  rows = per_replica(lambda at, n: tf.range(at, at + n))
  vectors = per_replica(lambda at, n: tf.cast(tf.range(at, at + n), tf.float32)[:, None] * [[1.0, 2.0]])

  @tf.function
  def run(vectors, rows):
    def each(v, r):
      found = gathered(v, r, tf.cast(r, tf.float32) / 10)
      return found.vectors, found.rows, found.probability

    return strategy.run(each, args=(vectors, rows))

  results = [strategy.experimental_local_results(part) for part in run(vectors, rows)]
  everyone = np.arange(sum(sizes))
  for replica in range(2):
    expected = np.roll(everyone, -first[replica])
    np.testing.assert_array_equal(results[1][replica], expected)
    np.testing.assert_allclose(results[0][replica], expected[:, None] * [[1, 2]])
    np.testing.assert_allclose(results[2][replica], expected / 10, atol=1e-7)
