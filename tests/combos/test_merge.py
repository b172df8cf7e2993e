"""Merging sources against dictionaries."""

import collections

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.merge import merge


@st.composite
def batches(draw):
  """Sources [B, L_s] with few distinct rows, so that duplicates and pads, also in the middle, are common."""
  batch = draw(st.integers(1, 3))
  widths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
  row = st.integers(-2, 6)
  return [
    np.array(draw(st.lists(st.lists(row, min_size=w, max_size=w), min_size=batch, max_size=batch)))
    for w in widths
  ]


@settings(max_examples=60)
@given(sources=batches(), seed=st.integers(0, 9))
def test_every_product_once_with_what_each_source_says(sources, seed):
  rng = np.random.default_rng(seed)
  values = [rng.random(source.shape).astype(np.float32) for source in sources]
  merged = merge([tf.constant(source, tf.int32) for source in sources])
  rows = merged.rows.numpy()
  for place, source in zip(merged.places, sources):
    np.testing.assert_array_equal(np.take_along_axis(rows, place.numpy(), 1), np.maximum(source, -1))
  for b in range(len(rows)):
    products = [r for r in rows[b] if r >= 0]
    assert sorted(products) == sorted({int(r) for source in sources for r in source[b] if r >= 0})
    for s, (source, value) in enumerate(zip(sources, values)):
      total, most = collections.defaultdict(float), collections.defaultdict(float)
      for r, v in zip(source[b], value[b]):
        total[r] += v
        most[r] = max(most[r], v)
      added, largest = (
        merged.add(s, tf.constant(value))[b].numpy(),
        merged.largest(s, tf.constant(value))[b].numpy(),
      )
      for place, r in enumerate(rows[b]):
        if r >= 0:
          np.testing.assert_allclose([added[place], largest[place]], [total[r], most[r]], rtol=1e-5)


@pytest.mark.parametrize("width", [1, 6])
def test_only_pads_and_no_pads(width):
  merged = merge([tf.fill([2, width], -1), tf.fill([2, width], -5)])
  assert (merged.rows.numpy() == -1).all()
  merged = merge([tf.range(width)[None, :] + [[0], [9]]])
  assert [sorted(set(row) - {-1}) for row in merged.rows.numpy().tolist()] == [
    list(range(width)), list(range(9, 9 + width))
  ]  # fmt: skip
