"""Learned partitions: every vector in one, next to the centre it is in."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.retrieval.partitions import partitions


@pytest.mark.parametrize(("size", "leaves"), [(1, 1), (7, 3), (400, 1), (600, 20), (5, 50)])
def test_every_vector_lies_in_one_partition_and_centres_are_means(size, leaves):
  vectors = makers.unit(size, 6)
  found = partitions(vectors, leaves)
  assert sorted(found.rows) == list(range(size))
  assert (found.starts[0], found.starts[-1]) == (0, size)
  assert (np.diff(found.starts) > 0).all()
  assert len(found.centres) == len(found.starts) - 1 <= min(leaves, size)
  for centre, start, end in zip(found.centres, found.starts, found.starts[1:]):
    np.testing.assert_allclose(centre, vectors[found.rows[start:end]].mean(axis=0), atol=1e-6)


def test_separate_clusters_are_kept_together():
  centres = 10 * np.eye(4, dtype=np.float32)
  vectors = centres[np.arange(400) % 4] + 0.01 * makers.unit(400, 4)
  found = partitions(vectors.astype(np.float32), 4)
  of_row = np.zeros(400, int)
  for leaf, (start, end) in enumerate(zip(found.starts, found.starts[1:])):
    of_row[found.rows[start:end]] = leaf
  for leaf in range(len(found.centres)):
    assert len(set(np.flatnonzero(of_row == leaf) % 4)) == 1
