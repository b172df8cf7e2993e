"""Intervals against the normal approximation, where it holds; tests against exact counts."""

import numpy as np
import pytest

from tfrec_combo.base.errors import DataError
from tfrec_combo.metrics.intervals import compare, mean_interval, ratio_interval


def test_the_interval_is_that_of_the_normal_approximation_on_many_queries():
  values = np.random.default_rng(1).exponential(size=(2, 1500))
  low, high = mean_interval(values, seed=0)
  spread = 1.96 * values.std(axis=1) / np.sqrt(1500)
  np.testing.assert_allclose(low, values.mean(axis=1) - spread, atol=0.3 * spread.max())
  np.testing.assert_allclose(high, values.mean(axis=1) + spread, atol=0.3 * spread.max())


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
  samples = np.random.default_rng(2).random((300, 60))  # true mean 1/2, 300 times
  low, high = mean_interval(samples, seed=0)
  assert 0.9 <= np.mean((low <= 0.5) & (high >= 0.5)) <= 0.99


def test_a_seed_repeats_and_rows_are_independent_of_their_company():
  values = np.random.default_rng(3).random((3, 40))
  low, high = mean_interval(values, seed=5)
  again, _ = mean_interval(values[1], seed=5)
  assert again == pytest.approx(low[1], rel=1e-12)
  assert low[1] < high[1]
  assert mean_interval(values[1], seed=5)[0] == again
  assert mean_interval(values[1], seed=6)[0] != again


@pytest.mark.parametrize("queries", [0, 1])
def test_too_few_queries_have_no_interval(queries):
  low, high = mean_interval(np.ones((4, queries)), seed=0)
  assert low.shape == high.shape == (4,)
  assert np.isnan(low).all()
  assert np.isnan(high).all()


def test_constant_values_have_an_interval_without_width():
  assert mean_interval(np.full(7, 0.25), seed=0) == (0.25, 0.25)


def test_the_sign_flip_test_counts_exactly_on_few_queries():
  # of the 2**6 signs of six equal differences only all plus and all minus are as far from 0
  found = compare(np.full(6, 0.7), np.full(6, 0.2), seed=0)
  assert found.p == pytest.approx(2 / 64)
  assert (found.difference, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_clear_difference_is_found_and_none_is_not_invented():
  rng = np.random.default_rng(4)
  base = rng.random(400)
  better = compare(base + 0.1 + 0.05 * rng.normal(size=400), base, seed=0)
  assert better.p < 0.01
  assert 0 < better.low < better.difference < better.high
  alike = compare(base, rng.permutation(base), seed=0)
  assert alike.p > 0.05
  assert alike.low < 0 < alike.high
  assert compare(base, base, seed=0).p == 1


@pytest.mark.parametrize(("a", "b"), [([1.0], [2.0]), ([1.0, 2.0], [1.0, 2.0, 3.0])])
def test_what_cannot_be_paired_is_refused(a, b):
  with pytest.raises(DataError, match="two queries or more"):
    compare(np.array(a), np.array(b), seed=0)


def test_a_ratio_has_the_interval_of_its_pairs():
  rng = np.random.default_rng(5)
  b = rng.exponential(size=800)
  low, high = ratio_interval(1.2 * b, b, seed=0)  # each pair has the same ratio, however noisy the queries
  assert (low, high) == pytest.approx((1.2, 1.2))
  # of unpaired noise the delta method tells the spread: sqrt(2 / 800) of exponentials, whose deviation is their mean
  a = rng.exponential(size=800)
  low, high = ratio_interval(a, b, seed=0)
  ratio = a.mean() / b.mean()
  spread = 1.96 * ratio * np.sqrt(2 / 800)
  assert (low, high) == pytest.approx((ratio - spread, ratio + spread), abs=0.3 * spread)
  assert ratio_interval(a, b, seed=0) == (low, high)


def test_a_ratio_to_nothing_is_infinite_and_what_is_not_paired_is_refused():
  assert ratio_interval(np.ones(9), np.zeros(9), seed=0) == (np.inf, np.inf)
  assert np.isnan(ratio_interval(np.ones(1), np.ones(1), seed=0)).all()
  with pytest.raises(DataError, match="must both be"):
    ratio_interval(np.ones(3), np.ones(2), seed=0)
