"""Which queries, and which of their targets, each slice of an evaluation looks at."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import polars as pl

from tfrec_combo.evaluation.background import groups
from tfrec_combo.logs.decisions import Decision

CATEGORIES = 6  # those with the most targets have a slice each


@dataclasses.dataclass(frozen=True)
class Slice:
  """Some queries of an evaluation.

  queries: [n] int rows of the request list. targets: for each of those, the products that count.
  """

  name: str
  label: str
  queries: np.ndarray
  targets: list[np.ndarray]


def slices_of(requests: Sequence[Decision], catalogue: pl.DataFrame) -> list[Slice]:
  """Every slice, the empty ones too; by category those with the most targets.

  catalogue: N products: orders, in how many orders before the held-out data each was, and category where there is one.
  """
  orders = catalogue["orders"].to_numpy()
  targets = [np.asarray(r.target, np.int64) for r in requests]
  lines = np.array([len(r.history) for r in requests], np.int64)
  asked = np.array([bool(r.query) for r in requests], bool)
  unseen = [t[orders[t] == 0] for t in targets]
  with_unseen = np.flatnonzero([len(t) > 0 for t in unseen])
  found = [
    Slice("unseen_targets", "targets never ordered before", with_unseen, [unseen[q] for q in with_unseen]),
  ]

  def add(name: str, label: str, chosen: np.ndarray) -> None:
    rows = np.flatnonzero(chosen)
    found.append(Slice(name, label, rows, [targets[q] for q in rows]))

  add("no_history", "shoppers without history", lines == 0)
  known = lines[lines > 0]
  low, high = np.quantile(known, [1 / 3, 2 / 3]) if len(known) else (0.0, 0.0)
  # By thresholds and not by rank, so that equally long histories fall into one slice; upwards, because the
  # equals are mostly those that were cut at the longest history kept.
  for name, label, chosen in (
    ("history_short", "shortest third of histories", (lines > 0) & (lines < low)),
    ("history_middle", "middle third of histories", (lines > 0) & (lines >= low) & (lines < high)),
    ("history_long", "longest third of histories", (lines > 0) & (lines >= high)),
  ):
    span = f", {lines[chosen].min()} to {lines[chosen].max()} lines" if chosen.any() else ""
    add(name, label + span, chosen)
  add("no_query", "no query text", ~asked)
  add("query", "with query text", asked)
  return found + _by_category(targets, catalogue)


def _by_category(targets: Sequence[np.ndarray], catalogue: pl.DataFrame) -> list[Slice]:
  """Slices of the targets of one main category, which alone count."""
  of, names = groups(catalogue, 1)
  flat = of[np.concatenate(targets)] if targets else np.zeros(0, int)
  counts = np.bincount(flat[flat >= 0], minlength=len(names))
  if np.count_nonzero(counts) < 2:
    return []  # it would be all of them
  most = [g for g in np.argsort(-counts, kind="stable")[:CATEGORIES] if counts[g]]
  found = []
  for group in most:
    inside = [t[of[t] == group] for t in targets]
    rows = np.flatnonzero([len(t) > 0 for t in inside])
    label = f"targets in {names[group]}"
    found.append(Slice(f"category {names[group]}", label, rows, [inside[q] for q in rows]))
  return found
