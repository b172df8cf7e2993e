"""The loss over all pairs of a batch, beside TensorFlow's own cross-entropy."""

import numpy as np
import pytest

from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.loss import InBatchSoftmax

QUERIES = 5


def learnt(loss, scores, weights):
  """The loss, and its gradient for scores [Q, C]."""
  scores = tf.constant(scores)
  with tf.GradientTape() as tape:
    tape.watch(scores)
    value = loss(tf.eye(*scores.shape), scores, sample_weight=weights)
  return float(value), tape.gradient(value, scores).numpy()


@pytest.mark.parametrize("candidates", [QUERIES, QUERIES + 3])
@pytest.mark.parametrize("scale", [1.0, 300.0])  # whose exponentials no float holds
def test_it_is_tensorflows_own(candidates, scale):
  rng = np.random.default_rng(0)
  scores = rng.normal(0, scale, [QUERIES, candidates]).astype(np.float32)
  scores[0, 1:3] = np.finfo(np.float32).min  # masked, as TFRS masks
  weights = rng.random(QUERIES).astype(np.float32)
  own = learnt(InBatchSoftmax(), scores, weights)
  reduced = tf.keras.losses.Reduction.SUM
  other = learnt(
    tf.keras.losses.CategoricalCrossentropy(from_logits=True, reduction=reduced), scores, weights
  )
  np.testing.assert_allclose(own[0], other[0], rtol=1e-5)
  np.testing.assert_allclose(own[1], other[1], atol=1e-6)
  assert np.abs(own[1]).max() > 0.1, "or nothing is compared"
