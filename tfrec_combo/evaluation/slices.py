"""Which queries, and which of their targets, each slice of an evaluation looks at."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfrec_combo.logs.decisions import Decision


@dataclasses.dataclass(frozen=True)
class Slice:
  """Some queries of an evaluation.

  queries: [n] int rows of the request list. targets: for each of those, the products that count.
  """

  name: str
  label: str
  queries: np.ndarray
  targets: list[np.ndarray]


def slices_of(requests: Sequence[Decision], orders: np.ndarray) -> list[Slice]:
  """Every slice, the empty ones too.

  orders: [N] int, in how many orders before the held-out data each product was.
  """
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
  return found
