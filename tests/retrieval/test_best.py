"""The best rows of many queries, against a full sort."""

import numpy as np
import pytest

from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.best import GROUP, best_rows, columns

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
  "products", [7, GROUP * 3, GROUP * 14, GROUP * 14 + 5]
)  # no group; fewer than 7 of them; groups; groups and a rest
def test_equals_a_full_sort(products):
  vectors, queries = (RNG.normal(size=[n, 8]).astype(np.float32) for n in (products, 50))
  rows = best_rows(tf.constant(queries), columns(vectors), 7).numpy()
  np.testing.assert_array_equal(rows, np.argsort(-(queries @ vectors.T), axis=1)[:, :7])


def test_of_equal_products_the_lower_row_comes_first():
  vectors = np.zeros([GROUP * 10 + 3, 2], np.float32)
  twins = [4, 14, 15, 300, 321]  # in groups that they share, in others, and in the rest
  vectors[twins] = [1, 0]
  rows = best_rows(tf.constant([[1.0, 0.0]]), columns(vectors), 5).numpy()
  np.testing.assert_array_equal(rows[0], twins)
