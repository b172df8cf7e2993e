"""What sets of products are worth: found as they were taken, bought together later, no substitutes, the budget well used.

Every metric reads `(sets, known, *, c)` and answers [Q] float64, one number a query; NaN where there is nothing to measure.
The mean over queries is `beyond_accuracy.mean`, its interval is `intervals.mean_interval` over `measured` values.

sets: [Q, C, M] int products, best set first, -1 for an empty place; the first c sets count, empty ones do not.
known: what is known of the requests and the products, see `Known`.

What says how right an answer is (Hit, F1, Jaccard, PairRecall, PairCoverage) is 0 for a request that was answered nothing,
as in a ranking. What says only what an answer is like is NaN there.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.metrics.ranking import PAD, hits_of


@dataclasses.dataclass(frozen=True)
class Known:
  """targets: for each of the Q queries the products that were really taken, each once; [] where that is not known.
  together: [N, N] csr, symmetric, positive where some later order holds both products. kinds: [N] int, equal where one
  product stands for the other, -1 where no other does. prices: [N] float, 0 where unknown. budgets: [Q] float, in the
  currency of the prices, 0 for none."""

  targets: Sequence[np.ndarray]
  together: sp.csr_matrix
  kinds: np.ndarray
  prices: np.ndarray
  budgets: np.ndarray


def together(orders: sp.csr_matrix) -> sp.csr_matrix:
  """[N, N] csr: how many of the orders [O, N] hold both products; 0 with itself.

  >>> together(sp.csr_matrix([[1, 1, 0], [1, 1, 1]])).toarray().astype(int).tolist()
  [[0, 2, 1], [2, 0, 1], [1, 1, 0]]
  """
  held = sp.csr_matrix(orders, dtype=np.float32, copy=True)
  held.data = np.where(held.data > 0, np.float32(1), np.float32(0))
  both = (held.T @ held).tocsr()
  both.setdiag(0)
  both.eliminate_zeros()
  return both


def hit(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] 1 where one of the first c sets is the set that was taken, no product more or less."""
  return np.where(jaccard(sets, known, c=c) == 1, 1.0, np.where(_sized(known.targets), 0.0, np.nan))


def f1(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] 0..1: 2 |S n T| / (|S| + |T|) of the best of the first c sets S, with T what was taken.

  >>> asked = Known([np.array([1, 2, 3])], sp.csr_matrix((5, 5)), np.full(5, -1), np.zeros(5), np.zeros(1))
  >>> f1(np.array([[[1, 4, -1]]]), asked, c=1).tolist()
  [0.4]
  """
  found, size, wanted = _found(sets, known, c)
  return _best(2 * found / np.maximum(size + wanted, 1), known.targets)


def jaccard(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] 0..1: |S n T| / |S u T| of the best of the first c sets S, with T what was taken (Jaccard 1912)."""
  found, size, wanted = _found(sets, known, c)
  return _best(found / np.maximum(size + wanted - found, 1), known.targets)


def pair_recall(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] 0..1: share of a set's pairs of which both products were taken by whoever asked, the mean of the first c sets.

  The strict reading of pairs that are bought together later: in the very order that was asked about. NaN where fewer than
  two products were taken.
  """
  found, size, wanted = _found(sets, known, c)
  shares = _over(found * (found - 1) / 2, size * (size - 1) / 2)
  return np.where(wanted[:, 0] > 1, _filled(shares, 0.0), np.nan)


def pair_coverage(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] 0..1: share of a set's pairs that any later order holds, the mean of the first c sets.

  Popular products are bought together by somebody: read it beside `pair_recall`.
  """
  left, right, there = _pairs(_checked(sets, known, c))
  bought = there & (_at(known.together, left, right) > 0)
  return _filled(_over(bought.sum(axis=2), there.sum(axis=2)), 0.0)


def substitutes(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] 0..1: share of a set's pairs that are of one kind, the mean of the first c sets. NaN below two products."""
  left, right, there = _pairs(_checked(sets, known, c))
  alike = there & (known.kinds[left] == known.kinds[right]) & (known.kinds[left] >= 0)
  return _filled(_over(alike.sum(axis=2), there.sum(axis=2)), np.nan)


def budget_use(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] share of the budget that a set costs, the mean of the first c sets; above 1 it breaks the budget.

  NaN where there is no budget or no set. An unknown price counts as 0.
  """
  sets = _checked(sets, known, c)
  totals = np.where(sets != PAD, np.asarray(known.prices, np.float64)[sets], 0).sum(axis=2)
  budgets = np.asarray(known.budgets, np.float64)[:, None]
  used = np.where(
    (sets != PAD).any(axis=2) & (budgets > 0), totals / np.where(budgets > 0, budgets, 1), np.nan
  )
  return _filled(used, np.nan)


def diversity(sets: np.ndarray, known: Known, *, c: int) -> np.ndarray:
  """[Q] 0..1: mean of 1 - Jaccard over the pairs of the first c sets: 0 all equal, 1 no product in two. NaN below two."""
  sets = _checked(sets, known, c)
  if c < 2:
    return np.full(len(sets), np.nan)
  size = (sets != PAD).sum(axis=2)
  apart = []
  for one, other in zip(*np.triu_indices(c, 1)):
    same = (sets[:, one, :, None] == sets[:, other, None, :]) & (sets[:, one, :, None] != PAD)
    shared = same.sum(axis=(1, 2))
    both = (size[:, one] > 0) & (size[:, other] > 0)
    union = size[:, one] + size[:, other] - shared
    apart.append(np.where(both, 1 - shared / np.maximum(union, 1), np.nan))
  return _filled(np.stack(apart, axis=1), np.nan)


Metric = Callable[..., np.ndarray]
METRICS: dict[str, Metric] = {
  "Hit": hit,
  "F1": f1,
  "Jaccard": jaccard,
  "PairRecall": pair_recall,
  "PairCoverage": pair_coverage,
  "Substitutes": substitutes,
  "BudgetUse": budget_use,
  "Diversity": diversity,
}


def measured(values: np.ndarray) -> np.ndarray:
  """The values that there are, without NaN: what an interval or a comparison is made of."""
  return values[~np.isnan(values)]


def _checked(sets: np.ndarray, known: Known, c: int) -> np.ndarray:
  """The first c sets of each query [Q, c, M] int64."""
  sets = np.asarray(sets, np.int64)
  if sets.ndim != 3 or len(sets) != len(known.targets):
    rule = f"must be [{len(known.targets)}, C, M]"
    raise DataError(fault("sets", rule, sets.shape, "answer every query, one row of sets each"))
  if not 1 <= c <= sets.shape[1]:
    raise DataError(
      fault("c", f"must be 1 to the answered {sets.shape[1]}", c, "answer more sets or ask for fewer")
    )
  ordered = np.sort(sets, axis=2)
  repeated = (ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] != PAD)
  if repeated.any():
    query, number, place = np.argwhere(repeated)[0]
    got = int(ordered[query, number, place])
    raise DataError(fault(f"sets[{query}, {number}]", "must not repeat a product", got, "keep it once"))
  return sets[:, :c]


def _found(sets: np.ndarray, known: Known, c: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """[Q, c] products of each set that were taken, [Q, c] products of each set, [Q, 1] products that were taken."""
  sets = _checked(sets, known, c)
  flat = sets.reshape(len(sets) * c, sets.shape[2])
  hits = hits_of(flat, [t for t in known.targets for _ in range(c)])
  wanted = np.array([len(t) for t in known.targets], np.int64)
  return hits.sum(axis=1).reshape(-1, c), (sets != PAD).sum(axis=2), wanted[:, None]


def _sized(targets: Sequence[np.ndarray]) -> np.ndarray:
  return np.array([len(t) > 0 for t in targets], bool)


def _best(values: np.ndarray, targets: Sequence[np.ndarray]) -> np.ndarray:
  return np.where(_sized(targets), values.max(axis=1, initial=0), np.nan)


def _pairs(sets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """[Q, c, P] both products of each pair of places, and whether both are filled."""
  one, other = np.triu_indices(sets.shape[2], 1)
  left, right = sets[..., one], sets[..., other]
  return left, right, (left != PAD) & (right != PAD)


def _at(table: sp.csr_matrix, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
  if not rows.size:  # scipy answers something else then
    return np.zeros(rows.shape)
  return np.asarray(sp.csr_matrix(table)[rows.ravel(), columns.ravel()]).reshape(rows.shape)


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
  return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _filled(values: np.ndarray, nothing: float) -> np.ndarray:
  """[Q] mean of what there is in each row; `nothing` where that is none."""
  there = ~np.isnan(values)
  count = there.sum(axis=1)
  return np.where(count > 0, np.where(there, values, 0).sum(axis=1) / np.maximum(count, 1), nothing)
