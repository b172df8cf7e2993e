"""What is asked for as a set, and what was really taken, from the folder of a protocol."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.quality import bundlerec, complete_journey
from benchmarks.quality.problem import Problem, incidence, lines
from tfrec_combo.logs.decisions import Decision
from tfrec_combo.metrics.sets import Known, together

SIZE = 4  # products of a set on Complete Journey


@dataclasses.dataclass(frozen=True)
class Asked:
  """The requests, and how many products each set must have: [Q] int."""

  requests: list[Decision]
  sizes: np.ndarray


@dataclasses.dataclass(frozen=True)
class SetShop:
  """One benchmark of sets.

  name: as in benchmarks.quality, whose config it is built with. problem: folder -> what is learnt from. asked: (folder,
  problem, seed) -> the requests, and what was taken. kinds: (folder, problem) -> [N] int, equal for products that stand for
  each other, -1 for none. metrics: the headline's, of the first set.
  """

  name: str
  problem: Callable[[pathlib.Path], Problem]
  asked: Callable[[pathlib.Path, Problem, int], tuple[Asked, Known]]
  metrics: tuple[str, ...]


def bundles(folder: pathlib.Path, found: Problem, seed: int) -> tuple[Asked, Known]:
  """BundleRec as generation: one product of each test bundle is given, drawn with `seed`, and the intent; the others are
  the truth, and their number the size."""
  at, rng = {product: row for row, product in enumerate(found.ids)}, np.random.default_rng(seed)
  left_out = {row["query_id"]: row["targets"] for row in lines(folder / "truth.jsonl")}
  whole = {q["query_id"]: [*q["basket"], *left_out[q["query_id"]]] for q in lines(folder / "queries.jsonl")}
  requests, targets = [], []
  for request in found.requests:
    products = np.array(sorted({at[i] for i in whole[request.order_id] if i in at}), np.int32)
    given = int(rng.integers(len(products)))
    requests.append(dataclasses.replace(request, basket=products[given : given + 1]))
    targets.append(np.delete(products, given))
  return _known(found, requests, targets, [len(t) for t in targets], found.groups)


def baskets(folder: pathlib.Path, found: Problem, seed: int) -> tuple[Asked, Known]:
  """Complete Journey: sets of 4 for the given half of a basket; what was taken is its other half. `seed` draws nothing."""
  at = {product: row for row, product in enumerate(found.ids)}
  taken = {row["query_id"]: row["targets"] for row in lines(folder / "truth.jsonl")}
  targets = [np.array([at[i] for i in taken[r.order_id] if i in at], np.int32) for r in found.requests]
  products, _ = complete_journey._read(folder)
  leaves = complete_journey.codes(products[complete_journey.LEVELS[-1]].fill_null("").to_list())
  return _known(found, found.requests, targets, [SIZE] * len(targets), leaves)


def _known(
  found: Problem,
  requests: list[Decision],
  targets: Sequence[np.ndarray],
  sizes: Sequence[int],
  kinds: np.ndarray | None,
) -> tuple[Asked, Known]:
  """Later orders are those that are asked about: what is given and what was taken."""
  later = [np.union1d(r.basket, t) for r, t in zip(requests, targets)]
  rows = np.repeat(np.arange(len(later)), [len(o) for o in later])
  table = incidence(rows, np.concatenate(later), (len(later), len(found.ids)))
  nothing = np.full(len(found.ids), -1)
  known = Known(
    list(targets),
    together(table),
    nothing if kinds is None else kinds,
    np.zeros(len(found.ids)),
    np.zeros(len(requests)),
  )
  return Asked(requests, np.array(sizes, np.int64)), known


SHOPS = {
  shop.name: shop
  for shop in (
    SetShop("bundlerec", bundlerec.problem, bundles, ("F1", "Jaccard", "Hit")),
    SetShop("complete-journey", complete_journey.problem, baskets, ("PairRecall", "PairCoverage", "F1")),
  )
}
