"""Sets of our models and of the peers -> one result that JSON can hold."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfrec_combo.metrics.beyond_accuracy import mean
from tfrec_combo.metrics.intervals import compare, mean_interval, ratio_interval
from tfrec_combo.metrics.sets import METRICS, Known, measured

OURS = "tfrec-combo"
DRAW = 0  # seed of every resampling
DIGITS = 5
AMONG = (
  "Diversity",
  "BudgetUse",
)  # of sets that only we answer several of, and of budgets that nobody asks for here


def result(
  systems: Mapping[str, Sequence[np.ndarray]], known: Known, sizes: np.ndarray, head: Sequence[str]
) -> dict:
  """What the systems' sets [Q, C, M] are worth; of each run of the model one, of a peer without chance one.

  Returns a dict:
    queries; systems: name -> metric -> {mean, low, high: 95 % bootstrap over queries, of the mean over runs; runs: the means,
      where there are several}, of the first set;
    sizes: asked size -> {n, systems: name -> the headline's mean};
    ours: metric -> mean, of all the sets that we answer, and how alike they are;
    comparison: a headline metric a row, ours against the peer that is best in it: {metric, peer, ours, best, difference,
      low, high, p, ratio, ratio low, ratio high}.
  """
  names = [name for name in METRICS if name not in AMONG]
  values = {
    name: {m: np.stack([METRICS[m](sets, known, c=1) for sets in runs]) for m in names}
    for name, runs in systems.items()
  }
  parts = {}
  for size in np.unique(sizes).tolist():
    rows = sizes == size
    means = {name: _number(mean(table[head[0]][:, rows].ravel())) for name, table in values.items()}
    parts[str(size)] = {"n": int(rows.sum()), "systems": means}
  return {
    "queries": len(sizes),
    "systems": {name: {m: _cell(v) for m, v in table.items()} for name, table in values.items()},
    "sizes": parts,
    "ours": _all_sets(systems.get(OURS, ()), known),
    "comparison": [_comparison(values, m) for m in head] if OURS in values and len(values) > 1 else [],
  }


def _all_sets(runs: Sequence[np.ndarray], known: Known) -> dict:
  count = min((sets.shape[1] for sets in runs), default=0)
  if not count:
    return {}
  names = [name for name in METRICS if name != "BudgetUse"]
  found = {m: _number(np.mean([mean(METRICS[m](sets, known, c=count)) for sets in runs])) for m in names}
  empty = float(np.mean([(sets[:, 0] < 0).all(axis=1).mean() for sets in runs]))
  return {"sets": count, "empty": _number(empty)} | found


def _cell(table: np.ndarray) -> dict:
  """table: [S, Q]."""
  each = measured(table.mean(axis=0))
  if not each.size:
    return {"mean": None, "low": None, "high": None}
  low, high = mean_interval(each, seed=DRAW)
  found: dict = {"mean": _number(each.mean()), "low": _number(low), "high": _number(high)}
  return found | ({"runs": [_number(mean(row)) for row in table]} if len(table) > 1 else {})


def _comparison(values: Mapping[str, Mapping[str, np.ndarray]], metric: str) -> dict:
  means = {name: mean(table[metric].mean(axis=0)) for name, table in values.items() if name != OURS}
  peer = max(means, key=lambda name: means[name])
  ours, theirs = (values[name][metric].mean(axis=0) for name in (OURS, peer))
  both = ~np.isnan(ours) & ~np.isnan(theirs)
  ours, theirs = ours[both], theirs[both]
  found, (low, high) = compare(ours, theirs, seed=DRAW), ratio_interval(ours, theirs, seed=DRAW)
  numbers = {
    "ours": ours.mean(),
    "best": theirs.mean(),
    "difference": found.difference,
    "low": found.low,
    "high": found.high,
    "p": found.p,
    "ratio": ours.mean() / theirs.mean() if theirs.mean() else np.nan,
    "ratio low": low,
    "ratio high": high,
  }
  return {"metric": metric, "peer": peer} | {n: _number(v) for n, v in numbers.items()}


def _number(value: float) -> float | None:
  return round(float(value), DIGITS) if np.isfinite(value) else None
