"""What the model is held against: simple systems that know the shop's orders and the request, nothing else.

Every peer answers `rank(requests, k, progress)`; `all_peers` builds them all from one order table.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from tfrec_combo.evaluation.knn import BasketCosine
from tfrec_combo.evaluation.shelf import Progress, Shelf
from tfrec_combo.logs.decisions import Decision

HALF_LIFE = 30.0  # days until a purchase counts half
# Weights of log(1 + purchases) and log(1 + decayed purchases) beside the mean cosine, chosen on Complete Journey's
# November 2017, learnt from what came before. Alone: of .02, .03, .05, .08, .12 with the plain cosine. Together: of
# four pairs from .01 to .04 with the shrunk one, all within .002 of NDCG@10 .1894.
FREQUENCY_ALONE = 0.03
FREQUENCY, DECAYED = 0.02, 0.02


class Peer(Protocol):
  """A system to compare with."""

  name: str

  def rank(self, requests: Sequence[Decision], k: int, progress: Progress | None = None) -> np.ndarray:
    """[Q, k] int32 products, best first, none of the basket, none twice, filled up with popular ones.

    Where the catalogue outside the basket is smaller than k, the places left are -1. `progress` is called
    with the requests done and their total. Deterministic; reads history, history_days and basket only.
    """


class Popular:
  """The products in most orders."""

  name = "popular"

  def __init__(self, shelf: Shelf):
    self.shelf = shelf

  def rank(self, requests: Sequence[Decision], k: int, progress: Progress | None = None) -> np.ndarray:
    """See `Peer.rank`."""
    return self.shelf.rank(requests, k, self._nothing, progress)

  def _nothing(self, chunk: Sequence[Decision]) -> sp.csr_matrix:
    return sp.csr_matrix((len(chunk), len(self.shelf)))


class PersonalFrequency:
  """The products the shopper bought most often; equals by popularity."""

  name = "personal frequency"

  def __init__(self, shelf: Shelf):
    self.shelf = shelf

  def rank(self, requests: Sequence[Decision], k: int, progress: Progress | None = None) -> np.ndarray:
    """See `Peer.rank`."""
    return self.shelf.rank(requests, k, lambda chunk: bought(self.shelf, chunk), progress)


class PersonalDecay:
  """The products the shopper bought most often and lately: each purchase counts 2 ** -(days / half-life)."""

  def __init__(self, shelf: Shelf, half_life: float = HALF_LIFE):
    self.shelf = shelf
    self.half_life = half_life
    self.name = f"personal, {half_life:g}-day half-life"

  def rank(self, requests: Sequence[Decision], k: int, progress: Progress | None = None) -> np.ndarray:
    """See `Peer.rank`."""
    return self.shelf.rank(requests, k, lambda chunk: bought(self.shelf, chunk, self.half_life), progress)


class ItemKNN:
  """The products bought together with those of the basket."""

  name = "ItemKNN"

  def __init__(self, neighbours: BasketCosine):
    self.neighbours = neighbours

  def rank(self, requests: Sequence[Decision], k: int, progress: Progress | None = None) -> np.ndarray:
    """See `Peer.rank`."""
    return self.neighbours.shelf.rank(requests, k, self.neighbours, progress)


class ItemKNNPersonal:
  """ItemKNN and the shopper's own habits added up: the strong one."""

  def __init__(self, neighbours: BasketCosine, decay: bool = True, half_life: float = HALF_LIFE):
    self.neighbours = neighbours
    self.half_life = half_life
    self.frequency, self.decayed = (FREQUENCY, DECAYED) if decay else (FREQUENCY_ALONE, 0.0)
    self.name = "ItemKNN + personal + decay" if decay else "ItemKNN + personal"

  def rank(self, requests: Sequence[Decision], k: int, progress: Progress | None = None) -> np.ndarray:
    """See `Peer.rank`."""
    return self.neighbours.shelf.rank(requests, k, self._score, progress)

  def _score(self, chunk: Sequence[Decision]) -> sp.csr_matrix:
    shelf = self.neighbours.shelf
    score = self.neighbours(chunk) + self.frequency * bought(shelf, chunk).log1p()
    if self.decayed:
      score = score + self.decayed * bought(shelf, chunk, self.half_life).log1p()
    return score


def bought(shelf: Shelf, requests: Sequence[Decision], half_life: float | None = None) -> sp.csr_matrix:
  """[c, N] how often each request's shopper bought each product, in the shelf's columns, decayed if asked."""
  values = None if half_life is None else [np.exp2(-r.history_days / half_life) for r in requests]
  return shelf.table([r.history for r in requests], values)


def all_peers(baskets: sp.csr_matrix) -> list[Peer]:
  """Every peer, the plain ones first, from one table.

  baskets: [orders, N], positive where an order from before the held-out data holds a product.
  """
  shelf = Shelf(baskets)
  neighbours = BasketCosine(shelf, baskets)
  return [
    Popular(shelf),
    PersonalFrequency(shelf),
    PersonalDecay(shelf),
    ItemKNN(neighbours),
    ItemKNNPersonal(neighbours, decay=False),
    ItemKNNPersonal(neighbours),
  ]
