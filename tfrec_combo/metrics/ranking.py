"""Accuracy of rankings. Every metric reads `(hits, targets, *, k)` and answers one number a query, no mean.

hits: [Q, K] bool, whether the product at each place of a ranking is a target, best place first; K >= k.
targets: [Q] int, how many products each query had to find; at least 1.
k: places that count.
answer: [Q] float64 in 0..1.
"""

from collections.abc import Sequence

import numpy as np

from tfrec_combo.base.errors import DataError, fault

PAD = -1  # a place of a ranking that holds no product


def hits_of(rankings: np.ndarray, targets: Sequence[np.ndarray]) -> np.ndarray:
  """Whether each ranked product is a target of its query.

  Args:
    rankings: [Q, K] int products, best first; -1 is an empty place and never a hit.
    targets: for each of the Q queries the products to find, each once.

  Returns: [Q, K] bool.

  Raises:
    DataError: a ranking repeats a product, or the number of rankings is not the number of queries.

  >>> hits_of(np.array([[4, 7, -1]]), [np.array([7, 9])]).tolist()
  [[False, True, False]]
  """
  rankings = np.asarray(rankings, np.int64)
  if rankings.ndim != 2 or len(rankings) != len(targets):
    way_out = "rank every query, one row each"
    raise DataError(fault("rankings", f"must be [{len(targets)}, k]", rankings.shape, way_out))
  ordered = np.sort(rankings, axis=1)
  repeated = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != PAD)
  if repeated.any():
    query, place = np.argwhere(repeated)[0]
    got = int(ordered[query, place])
    raise DataError(fault(f"rankings[{query}]", "must not repeat a product", got, "keep its best place only"))
  if not rankings.size:
    return np.zeros(rankings.shape, bool)
  flat = np.concatenate([np.asarray(t, np.int64) for t in targets])
  query_of = np.repeat(np.arange(len(targets)), [len(t) for t in targets])
  width = max(rankings.max(), flat.max(initial=0)) + 1  # query * width + product is one key for a pair
  keys = np.arange(len(rankings))[:, None] * width + rankings
  return np.isin(keys, query_of * width + flat) & (rankings != PAD)


def recall(hits: np.ndarray, targets: np.ndarray, *, k: int) -> np.ndarray:
  """Share of the targets found in the first k places."""
  hits, targets = _checked(hits, targets, k)
  return hits.sum(axis=1) / targets


def ndcg(hits: np.ndarray, targets: np.ndarray, *, k: int) -> np.ndarray:
  """Discounted gain over the ideal one of min(k, targets) hits; binary gains (Jarvelin, Kekalainen 2002)."""
  hits, targets = _checked(hits, targets, k)
  gains = 1 / np.log2(np.arange(2, k + 2))
  ideal = np.cumsum(gains)[np.minimum(k, targets) - 1]
  return (hits * gains).sum(axis=1) / ideal


def hit_rate(hits: np.ndarray, targets: np.ndarray, *, k: int) -> np.ndarray:
  """1 where any target is in the first k places."""
  hits, _ = _checked(hits, targets, k)
  return np.where(hits.any(axis=1), 1.0, 0.0)


def mrr(hits: np.ndarray, targets: np.ndarray, *, k: int) -> np.ndarray:
  """1 / place of the first target in the first k places; 0 where there is none."""
  hits, _ = _checked(hits, targets, k)
  return np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1), 0.0)


METRICS = {"Recall": recall, "NDCG": ndcg, "HR": hit_rate, "MRR": mrr}


def _checked(hits: np.ndarray, targets: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
  hits, targets = np.asarray(hits, bool), np.asarray(targets)
  if hits.ndim != 2 or targets.shape != hits.shape[:1]:
    got = (hits.shape, targets.shape)
    raise DataError(fault("hits and targets", "must be [Q, K] and [Q]", got, "see hits_of"))
  if not 1 <= k <= hits.shape[1]:
    raise DataError(
      fault("k", f"must be 1 to the ranked {hits.shape[1]}", k, "rank more places or ask for fewer")
    )
  if len(targets) and targets.min() < 1:
    raise DataError(fault("targets", "must be at least 1", int(targets.min()), "leave such queries out"))
  return hits[:, :k], targets
