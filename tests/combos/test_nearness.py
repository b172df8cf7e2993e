"""Nearness of candidates to a whole request, against numpy."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.combos import nearness as room

PRODUCTS = 6
ORDERS = [[0, 1], [0, 1, 2], [2, 3], [3, 4], [4, 0], [4], [5]]
COUNTS = makers.candidates(ORDERS, PRODUCTS)
ROWS = st.lists(st.integers(-1, PRODUCTS - 1), min_size=1, max_size=5)


def cosine(a, b):
  one, other = ({i for i, o in enumerate(ORDERS) if p in o} for p in (a, b))
  return 0 if a == b else len(one & other) / np.sqrt(len(one) * len(other))


@pytest.mark.parametrize("buckets", [room.BUCKETS, 2])  # of the latter, products share one
@settings(max_examples=20)
@given(requests=st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_it_sums_weighted_cosines(buckets, requests, seed):
  rows, held = (makers.padded([r[i] for r in requests]) for i in range(2))
  weights = np.random.default_rng(seed).random([*held.shape, 2]).astype(np.float32)
  with pytest.MonkeyPatch.context() as patched:
    patched.setattr(room, "BUCKETS", buckets)
    found = room.nearness(rows, held, tf.constant(weights), COUNTS).numpy()
  for b, (candidates, products) in enumerate(zip(rows.numpy(), held.numpy())):
    for k, candidate in enumerate(candidates):
      expected = [w * cosine(candidate, p) for p, w in zip(products, weights[b]) if p >= 0 and candidate >= 0]
      np.testing.assert_allclose(found[b, k], np.sum(expected, axis=0) if expected else 0, atol=1e-5)
