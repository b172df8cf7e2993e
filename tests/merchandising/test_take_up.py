"""What is expected of sets that stood out: less than was seen, and what then comes."""

import numpy as np
import pytest

from tests.evaluation.made import table
from tests.merchandising.made import catalogue, shop
from tfrec_combo.merchandising.mine import holding, mined, rules
from tfrec_combo.merchandising.take_up import TakeUp, calibration, learnt


def test_between_points_linear_and_beyond_them_in_proportion():
  curve = TakeUp(np.array([0.1, 0.3]), np.array([0.05, 0.15]))
  assert curve(np.array([0, 1, 2, 3, 6]), 10) == pytest.approx([0.05, 0.05, 0.10, 0.15, 0.30])
  assert TakeUp(np.zeros(0), np.zeros(0))(np.array([2]), 10) == pytest.approx([0.2])
  assert TakeUp(np.zeros(1), np.full(1, 0.01))(np.array([0, 3]), 10) == pytest.approx([0.01, 0.01])


def lucky(orders, seed, pairs=300, rate=0.02):
  """Orders of one pair out of many that are all as likely, among many orders of one product."""
  rng = np.random.default_rng(seed)
  drawn = rng.random(orders) < rate * 10
  pair = rng.integers(0, pairs, orders)
  return table([[2 * p, 2 * p + 1] if two else [2 * p] for p, two in zip(pair, drawn)], 2 * pairs)


def test_luck_is_not_expected_again():
  # every pair has the same chance, .2 / 300; those that were seen most were just lucky
  earlier, later, now = lucky(6000, 0), lucky(6000, 1), lucky(6000, 2)
  allowed = rules(catalogue(600), largest=2, least=2)
  curve = learnt(earlier, later, allowed)
  bundles, counts = mined(earlier, allowed)
  expected, best = curve(counts, 6000) * 6000, np.argsort(-counts)[:30]
  assert counts[best].mean() > 7  # of 4 that are right
  assert expected[best].mean() == pytest.approx(4, abs=0.6)
  assert holding(now, [bundles[i] for i in best]).mean() == pytest.approx(expected[best].mean(), abs=1)


def test_the_curve_rises_and_is_right_in_the_orders_it_was_learnt_from():
  log, products, _, _ = shop()
  allowed = rules(products)
  curve = learnt(log.earlier, log.later, allowed)
  assert (np.diff(curve.seen) > 0).all()
  assert (np.diff(curve.later) >= 0).all()
  assert len(curve.seen) > 5


def test_what_is_expected_of_the_shop_comes_true_in_held_out_orders():
  log, products, _, _ = shop()
  allowed = rules(products)
  curve = learnt(log.earlier, log.later, allowed)
  bundles, counts = mined(log.known, allowed)
  held = holding(log.held_out, bundles)
  *parts, whole = calibration(curve(counts, log.known.shape[0]), held, log.held_out.shape[0])
  assert whole["expected"] == pytest.approx(whole["seen"], rel=0.15)
  assert parts[-1]["expected"] == pytest.approx(parts[-1]["seen"], rel=0.2)
  assert [p["expected"] for p in parts] == sorted(p["expected"] for p in parts)
  # what was seen is not what comes: the sets were picked by it
  naive = counts.sum() / log.known.shape[0] * log.held_out.shape[0] / len(counts)
  assert abs(whole["expected"] - whole["seen"]) < abs(naive - whole["seen"])


def test_too_little_to_learn_from_expects_what_was_seen():
  few = table([[0, 1]] * 6 + [[2]] * 4, 3)
  curve = learnt(few, few, rules(catalogue(3)))
  assert curve(np.array([6]), 10) == pytest.approx([0.6])
  log, products, _, _ = shop()
  nothing = learnt(log.earlier, log.later[:0], rules(products))
  assert nothing(np.array([6]), 10) == pytest.approx([0.6])


def test_calibration_by_hand():
  rows = calibration(np.array([0.01, 0.03]), np.array([0, 4]), 100)
  assert [r["sets"] for r in rows] == [1, 1, 2]
  assert [r["expected"] for r in rows] == pytest.approx([1, 3, 2])
  assert [r["seen"] for r in rows] == [0, 4, 2]
  # Poisson limits of 0 and 4 (Garwood): 0 to 3.69, 1.09 to 10.24
  assert [r["low"] for r in rows[:2]] == pytest.approx([0, 1.0899], abs=1e-3)
  assert [r["high"] for r in rows[:2]] == pytest.approx([3.6889, 10.2416], abs=1e-3)
