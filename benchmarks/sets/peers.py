"""Systems that make one set a request, from scores of products.

Every peer answers `sets(requests, sizes)`: [Q, M] int products, as many as asked for, none of the basket, -1 behind them.
"""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from benchmarks.quality.peers.scored import Scorer
from tfrec_combo.evaluation.shelf import Shelf
from tfrec_combo.logs.decisions import Decision
from tfrec_combo.metrics.ranking import PAD

CHUNK = 128  # requests whose scores of all products are held at once


class SetPeer(Protocol):
  """A system that makes sets."""

  name: str

  def sets(self, requests: Sequence[Decision], sizes: np.ndarray) -> np.ndarray:
    """[Q, max(sizes)] int32 products, sizes[q] of them in row q; fewer only where the catalogue is smaller."""


class First:
  """The products of the highest scores."""

  def __init__(self, name: str, shelf: Shelf, scorer: Scorer):
    self.name, self.shelf, self.scorer = name, shelf, scorer

  def sets(self, requests: Sequence[Decision], sizes: np.ndarray) -> np.ndarray:
    """See `SetPeer.sets`."""
    most = int(sizes.max(initial=1))
    ranked = self.shelf.rank(requests, most, self.scorer)
    return np.where(np.arange(most) < sizes[:, None], ranked, PAD)


class Greedy:
  """The product of the highest score is put into the basket, and what goes with that basket is scored anew."""

  def __init__(self, name: str, shelf: Shelf, scorer: Scorer):
    self.name, self.shelf, self.scorer = name, shelf, scorer

  def sets(self, requests: Sequence[Decision], sizes: np.ndarray) -> np.ndarray:
    """See `SetPeer.sets`."""
    made = np.full((len(requests), int(sizes.max(initial=1))), PAD, np.int32)
    now = list(requests)
    for step in range(made.shape[1]):
      open_ = np.flatnonzero(sizes > step)
      best = self.shelf.rank([now[q] for q in open_], 1, self.scorer)[:, 0]
      made[open_, step] = best
      for q, product in zip(open_, best):
        if product != PAD:
          now[q] = dataclasses.replace(now[q], basket=np.append(now[q].basket, product).astype(np.int32))
    return made


class MMR:
  """Maximal marginal relevance (Carbonell, Goldstein, SIGIR 1998): one after the other, the product of the largest
  `trade` * score - (1 - trade) * cosine to the most alike product taken before.

  vectors: [N, W] unit, in the shelf's columns.
  """

  def __init__(
    self, name: str, shelf: Shelf, scorer: Scorer, vectors: np.ndarray, trade: float, pool: int = 200
  ):
    self.name, self.shelf, self.scorer = name, shelf, scorer
    self.vectors, self.trade, self.pool = vectors, trade, pool

  def sets(self, requests: Sequence[Decision], sizes: np.ndarray) -> np.ndarray:
    """See `SetPeer.sets`."""
    made = np.full((len(requests), int(sizes.max(initial=1))), PAD, np.int32)
    for start in range(0, len(requests), CHUNK):
      chunk = requests[start : start + CHUNK]
      found = self.scorer(chunk)
      scores = np.array(found.toarray() if sp.issparse(found) else found, np.float64)
      for row, (request, size) in enumerate(zip(chunk, sizes[start : start + CHUNK])):
        scores[row, self.shelf.places[request.basket]] = -np.inf
        columns = self._chosen(scores[row], int(size))
        made[start + row, : len(columns)] = self.shelf.products[columns]
    return made

  def _chosen(self, scores: np.ndarray, size: int) -> np.ndarray:
    best = np.argsort(-scores, kind="stable")[: self.pool]
    best = best[np.isfinite(scores[best])]
    alike = np.zeros(len(best))
    taken: list[int] = []
    for _ in range(min(size, len(best))):
      value = self.trade * scores[best] - (1 - self.trade) * alike
      value[taken] = -np.inf
      taken.append(int(value.argmax()))
      alike = np.maximum(alike, self.vectors[best] @ self.vectors[best[taken[-1]]])
    return best[taken]
