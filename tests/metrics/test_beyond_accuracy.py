"""Known answers by hand."""

import numpy as np
import pytest

from tfrec_combo.metrics.beyond_accuracy import coverage, diversity, exposure_gini, novelty, popularity


def test_coverage_counts_products_once_and_empty_places_never():
  rankings = np.array([[0, 1, 2], [1, 0, -1]])
  assert coverage(rankings, 8, k=3) == 3 / 8
  assert coverage(rankings, 8, k=1) == 2 / 8
  assert coverage(np.full((2, 2), -1), 8, k=2) == 0


def test_gini_is_zero_for_equal_exposure_and_high_for_one_product():
  assert exposure_gini(np.array([[0, 1], [2, 3]]), 4, k=2) == pytest.approx(0)
  assert exposure_gini(np.array([[3], [3], [3]]), 4, k=1) == pytest.approx(3 / 4)  # 1 - 1/N
  assert exposure_gini(np.full((1, 2), -1), 4, k=2) == 0


def test_novelty_is_the_mean_self_information():
  orders = np.array([3, 1, 1, 7])  # with one added: 4, 2, 2, 8 of 16, so 2, 3, 3 and 1 bits
  np.testing.assert_allclose(novelty(np.array([[0, 3], [1, 2], [1, -1]]), orders, k=2), [1.5, 3, 3])
  assert np.isnan(novelty(np.array([[-1, -1]]), orders, k=2)).all()


def test_popularity_is_a_percentile_that_equals_share():
  orders = np.array([0, 5, 5, 9])  # ranks 1, 2.5, 2.5, 4
  np.testing.assert_allclose(popularity(np.array([[3, 0], [1, 2]]), orders, k=2), [0.625, 0.625])
  np.testing.assert_allclose(popularity(np.array([[3, 0]]), orders, k=1), [1])


def test_diversity_equals_the_mean_over_pairs():
  rng = np.random.default_rng(0)
  vectors = rng.normal(size=(9, 5))
  rankings = np.stack([rng.permutation(9)[:4] for _ in range(6)])
  units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
  pairs = [(i, j) for i in range(4) for j in range(i)]
  wanted = [np.mean([1 - units[row[i]] @ units[row[j]] for i, j in pairs]) for row in rankings]
  np.testing.assert_allclose(diversity(rankings, vectors, k=4), wanted)


def test_diversity_of_opposites_equals_and_single_products():
  vectors = np.array([[2.0, 0], [-3, 0], [5, 0]])
  found = diversity(np.array([[0, 1], [0, 2], [1, -1]]), vectors, k=2)
  np.testing.assert_allclose(found[:2], [2, 0], atol=1e-12)
  assert np.isnan(found[2])
