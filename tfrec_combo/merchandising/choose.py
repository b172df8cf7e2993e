"""Which bundles make the list: the most valuable ones that do not repeat each other."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tfrec_combo.merchandising.mine import Bundle

ACCEPTED, PINNED, PROPOSED = "accepted", "pinned", "proposed"


@dataclasses.dataclass(frozen=True)
class Limits:
  """How alike the bundles of a list may be.

  count: bundles in all. overlap: 0..1, the most that two may share, of the products of the smaller one. per_product: bundles
  that a product may be in.
  """

  count: int
  overlap: float
  per_product: int


@dataclasses.dataclass(frozen=True)
class Choice:
  """The list: bundles with the reason each is there, in the order of `choose`. unmet: pins that no bundle could hold."""

  bundles: list[tuple[Bundle, str]]
  unmet: list[Bundle]


class _List:
  """The bundles taken so far, which says whether one more keeps the limits."""

  def __init__(self, limits: Limits):
    self.limits = limits
    self.taken: list[tuple[Bundle, str]] = []
    self.of_product: dict[int, list[frozenset[int]]] = {}

  def has_room(self, bundle: Bundle) -> bool:
    if len(self.taken) >= self.limits.count:
      return False
    near: set[frozenset[int]] = set()
    for product in bundle:
      others = self.of_product.get(product, [])
      if len(others) >= self.limits.per_product:
        return False
      near |= set(others)
    there = frozenset(bundle)
    return all(len(there & o) <= self.limits.overlap * min(len(there), len(o)) for o in near)

  def take(self, bundle: Bundle, why: str) -> None:
    self.taken.append((bundle, why))
    for product in bundle:
      self.of_product.setdefault(product, []).append(frozenset(bundle))


def choose(
  candidates: Sequence[Bundle],
  values: np.ndarray,
  limits: Limits,
  accepted: Sequence[Bundle] = (),
  pins: Sequence[Bundle] = (),
  made_for: Callable[[Bundle], Iterable[Bundle]] = lambda pin: (),
) -> Choice:
  """Accepted bundles, then for each pin the best bundle that holds it, then the best of the rest.

  Candidates are taken greedily by their values [len(candidates)], those of no value left out. What was accepted is kept
  whatever it shares with the rest, which then makes room; the limits hold for all that is added to it.

  made_for: bundles that hold a pin, best first, tried where no candidate does.
  """
  found = _List(limits)
  for bundle in accepted:
    found.take(bundle, ACCEPTED)
  ranked = [candidates[i] for i in np.lexsort((np.arange(len(candidates)), -values))]
  unmet = []
  for pin in pins:
    wanted = set(pin)
    if any(wanted <= set(bundle) for bundle, _ in found.taken):
      continue
    holding = (bundle for source in (ranked, made_for(pin)) for bundle in source if wanted <= set(bundle))
    best = next((bundle for bundle in holding if found.has_room(bundle)), None)
    if best is None:
      unmet.append(pin)
    else:
      found.take(best, PINNED)
  worth = {bundle for bundle, value in zip(candidates, values) if value > 0}
  for bundle in ranked:
    if bundle in worth and found.has_room(bundle):
      found.take(bundle, PROPOSED)
  return Choice(found.taken, unmet)
