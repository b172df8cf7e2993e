"""What a shop is like for a recommender: how heavy the tail of its products is, and how popular what it is shown."""

from collections.abc import Mapping, Sequence

import numpy as np

TENTHS = 10
POINTS = 120  # of the curve
TOPS = (0.01, 0.1, 0.5)  # shares of the catalogue whose part of all orders is told


def tail(orders: np.ndarray) -> dict:
  """Orders by rank of the product, and what the most bought ones have of all.

  orders: [N] int, in how many orders each product was.

  Returns a dict that JSON can hold: rank and orders, points of the curve, spaced evenly in its logarithm; top: share of the
  catalogue -> share of all orders' lines, null where there are none; never: products that were never ordered.
  """
  ranked = np.sort(np.asarray(orders, np.int64))[::-1]
  bought = int((ranked > 0).sum())
  ranks = np.unique(np.geomspace(1, max(bought, 1), POINTS).round().astype(int))[: max(bought, 0)]
  total = int(ranked.sum())
  return {
    "rank": ranks.tolist(),
    "orders": ranked[ranks - 1].tolist(),
    "top": {f"{top:g}": _share(ranked, top, total) for top in TOPS},
    "never": int((ranked == 0).sum()),
  }


def _share(ranked: np.ndarray, top: float, total: int) -> float | None:
  return round(float(ranked[: int(np.ceil(top * len(ranked)))].sum() / total), 4) if total else None


def tenths(orders: np.ndarray) -> np.ndarray:
  """[N] int, which tenth of all order lines each product belongs to: 0 the most bought ones; TENTHS where it was never ordered.

  >>> tenths(np.array([50, 0, 50])).tolist()
  [0, 10, 5]
  """
  orders = np.asarray(orders, np.int64)
  found = np.full(len(orders), TENTHS)
  order = np.argsort(-orders, kind="stable")
  before = np.cumsum(orders[order]) - orders[order]
  found[order] = TENTHS * before // max(int(orders.sum()), 1)
  return np.where(orders > 0, np.minimum(found, TENTHS - 1), TENTHS)


def exposure(
  rankings: Mapping[str, np.ndarray], targets: Sequence[np.ndarray], orders: np.ndarray, k: int
) -> dict:
  """How the first k places of each system fall on products of each tenth of the order lines, beside what was really added.

  Args:
    rankings: system -> [Q, K] int products, -1 for an empty place.
    targets: the products that each of the Q requests really added.
    orders: [N] int, in how many orders each product was.

  Returns a dict that JSON can hold: products, how many are in each group; systems: name -> share of its places in each;
  truth: share of the targets in each. The last group is of the products that were never ordered.
  """
  group = tenths(orders)
  shares = lambda rows: _rounded(np.bincount(group[rows[rows >= 0]], minlength=TENTHS + 1))
  return {
    "products": np.bincount(group, minlength=TENTHS + 1).tolist(),
    "systems": {name: shares(np.asarray(ranked)[:, :k]) for name, ranked in rankings.items()},
    "truth": shares(np.concatenate([np.asarray(t, np.int64) for t in targets])),
  }


def _rounded(counts: np.ndarray) -> list[float]:
  return np.round(counts / max(int(counts.sum()), 1), 4).tolist()
