"""What else a ranking is worth: how much of the catalogue it shows, how obvious and how varied it is.

rankings: [Q, K] int products, best first, -1 for an empty place; the first k places count.
orders: [N] int, in how many orders of the training data each product was.
"""

import numpy as np
import scipy.stats

from tfrec_combo.metrics.ranking import PAD


def coverage(rankings: np.ndarray, products: int, *, k: int) -> float:
  """Share of the catalogue's `products` products that some query was shown.

  >>> coverage(np.array([[0, 1], [1, 2]]), 6, k=2)
  0.5
  """
  shown = np.unique(rankings[:, :k])
  return float((shown != PAD).sum() / products)


def exposure_gini(rankings: np.ndarray, products: int, *, k: int) -> float:
  """Gini index of how often each product is shown: 0 all alike, towards 1 a few products take every place."""
  shown = rankings[:, :k]
  counts = np.sort(np.bincount(shown[shown != PAD], minlength=products))
  if not counts.sum():
    return 0.0
  return float((2 * np.arange(1, products + 1) - products - 1) @ counts / (products * counts.sum()))


def novelty(rankings: np.ndarray, orders: np.ndarray, *, k: int) -> np.ndarray:
  """[Q] bits: mean self-information, -log2 of a product's share of all purchases (Zhou et al., PNAS 2010).

  One purchase is added to every product, so that a product nobody bought has the most, not infinite, novelty.
  NaN for an empty ranking.
  """
  orders = np.asarray(orders, np.float64) + 1
  return _mean_of(rankings[:, :k], -np.log2(orders / orders.sum()))


def popularity(rankings: np.ndarray, orders: np.ndarray, *, k: int) -> np.ndarray:
  """[Q] mean popularity percentile of the ranked products: 1 the most bought; equals share their percentile.

  NaN for an empty ranking.

  >>> popularity(np.array([[2, 0]]), np.array([5, 0, 9, 1]), k=2).tolist()
  [0.875]
  """
  return _mean_of(rankings[:, :k], scipy.stats.rankdata(orders, method="average") / len(orders))


def diversity(rankings: np.ndarray, vectors: np.ndarray, *, k: int) -> np.ndarray:
  """[Q] mean of 1 - cosine over the pairs of a ranking (Ziegler et al., WWW 2005); NaN below two products.

  vectors: [N, D] float, one a product, of any length but zero.
  """
  rankings = rankings[:, :k]
  filled = rankings != PAD
  units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
  count = filled.sum(axis=1)
  # the squared length of the sum holds every ordered pair's cosine and, on the diagonal, one 1 a product
  total = np.square(np.einsum("qkd,qk->qd", units[rankings], filled)).sum(axis=1)
  pairs = count * (count - 1.0)
  return np.where(pairs > 0, 1 - (total - count) / np.where(pairs > 0, pairs, 1), np.nan)


def _mean_of(rankings: np.ndarray, value: np.ndarray) -> np.ndarray:
  filled = rankings != PAD
  count = filled.sum(axis=1)
  total = np.where(filled, value[rankings], 0.0).sum(axis=1)
  return np.where(count > 0, total / np.maximum(count, 1), np.nan)
