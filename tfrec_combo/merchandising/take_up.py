"""How often a set will be bought whole: what was seen, brought down to what comes after it."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.optimize
import scipy.sparse as sp
import scipy.stats

from tfrec_combo.merchandising.mine import Rules, holding, mined

FEWEST = 20  # sets that a point of a curve, and a curve, is learnt from
BINS = 8  # of a calibration


@dataclasses.dataclass(frozen=True)
class TakeUp:
  """Expected share of orders that hold a set, by the share that held it: linear between the points `seen`, `later`, both
  ascending; in proportion beyond the last. Without points what was seen is expected again."""

  seen: np.ndarray
  later: np.ndarray

  def __call__(self, counts: np.ndarray, orders: int) -> np.ndarray:
    """[..] share of orders, of sets that `counts` of `orders` orders held."""
    rate = np.asarray(counts, np.float64) / max(orders, 1)
    if not len(self.seen):
      return rate
    beyond = (
      self.later[-1] / self.seen[-1] * rate if self.seen[-1] > 0 else np.full(rate.shape, self.later[-1])
    )
    return np.where(rate > self.seen[-1], beyond, np.interp(rate, self.seen, self.later))


def learnt(earlier: sp.csr_matrix, later: sp.csr_matrix, allowed: Rules) -> TakeUp:
  """What of the sets mined from `earlier` orders came true in `later` ones: held-out estimation (Jelinek, Mercer 1985), made
  monotone by isotonic regression over bins of FEWEST sets.

  A set that was picked because it stood out was lucky, too, and falls back later; this curve says how far.
  """
  share = earlier.shape[0] / max(earlier.shape[0] + later.shape[0], 1)
  bundles, counts = mined(earlier, dataclasses.replace(allowed, least=max(1, round(share * allowed.least))))
  if len(bundles) < FEWEST or not later.shape[0]:
    return TakeUp(np.zeros(0), np.zeros(0))
  seen, after = counts / earlier.shape[0], holding(later, bundles) / later.shape[0]
  order = np.argsort(seen, kind="stable")
  bins = np.minimum(np.arange(len(seen)) // FEWEST, len(seen) // FEWEST - 1)
  # Sets that were seen as often stay together, so what is learnt does not hang on their order.
  _, first, place = np.unique(seen[order], return_index=True, return_inverse=True)
  _, bins, times = np.unique(bins[first][place], return_inverse=True, return_counts=True)
  at, means = (np.bincount(bins, values[order]) / times for values in (seen, after))
  fitted = scipy.optimize.isotonic_regression(means, weights=times).x
  if at[0] > 0:  # pairs are mined for being bought, so nothing is known of those that never were
    at, fitted = np.insert(at, 0, 0.0), np.insert(fitted, 0, 0.0)
  return TakeUp(at, fitted)


def calibration(expected: np.ndarray, held: np.ndarray, orders: int) -> list[dict[str, float]]:
  """Expected against seen in `orders` held-out orders, in BINS of sets by what was expected, and of all of them.

  Args:
    expected: [S] share of orders. held: [S] held-out orders that hold each set.

  Returns rows {sets, expected, seen: orders a set; low, high: 95 % Poisson interval of seen (Garwood 1936)}; the last row is of
    all sets. Sets share orders, so the truth is wider.
  """
  order = np.argsort(expected, kind="stable")
  parts = [part for part in np.array_split(order, min(BINS, max(len(order), 1))) if len(part)]
  if len(parts) > 1:
    parts.append(order)
  return [_row(expected[part] * orders, held[part]) for part in parts]


def _row(expected: np.ndarray, held: Sequence[int] | np.ndarray) -> dict[str, float]:
  count, total = len(expected), float(np.sum(held))
  low = scipy.stats.chi2.ppf(0.025, 2 * total) / 2 if total else 0.0
  high = scipy.stats.chi2.ppf(0.975, 2 * (total + 1)) / 2
  return {
    "sets": count,
    "expected": float(expected.sum() / count),
    "seen": total / count,
    "low": float(low / count),
    "high": float(high / count),
  }
