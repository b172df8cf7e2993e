"""Rankings of several systems for the same requests -> one JSON-able result."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.evaluation.background import known
from tfrec_combo.evaluation.shop import exposure, tail
from tfrec_combo.evaluation.slices import Slice, slices_of
from tfrec_combo.logs.decisions import Decision
from tfrec_combo.metrics.beyond_accuracy import METRICS as BEYOND
from tfrec_combo.metrics.beyond_accuracy import Known, mean
from tfrec_combo.metrics.intervals import compare, mean_interval
from tfrec_combo.metrics.ranking import METRICS, hits_of

HEADLINE = 10  # the k of slices and of the paired test, where it was asked for
SLICE_METRICS = ("Recall", "NDCG")
DIGITS = 6


def score(
  rankings: Mapping[str, np.ndarray],
  requests: Sequence[Decision],
  catalogue: pl.DataFrame,
  ks: Sequence[int],
  seed: int,
  vectors: np.ndarray | None = None,
) -> dict:
  """Holds the systems against each other; the one named first is ours.

  Args:
    rankings: system -> [Q, K] int products, best first, -1 for an empty place; K >= max(ks).
    requests: the Q requests, each with a target.
    catalogue: `Decisions.catalogue`; row i is product i, `orders` counts its orders before the held-out data.
    ks: places to score at.
    seed: of every resampling.
    vectors: [N, W] text of each ranked product; without them nothing is said of the diversity of texts.

  Returns a dict that JSON can hold:
    queries, products, seed, ks, k (that of slices and comparison);
    systems: name -> "Recall@k", "NDCG@k", "HR@k", "MRR@k" -> {mean, low, high}, a 95 % bootstrap interval,
      and every metric of `metrics.beyond_accuracy` such as "Coverage@k" -> number, null where there is nothing to measure;
    slices: name -> {label, n, systems: name -> metric -> {mean, low, high}}, numbers null where n is 0;
    tail, exposure: see `evaluation.shop`;
    comparison: ours against the peer with the best NDCG@k: {system, peer, metric, difference, low, high, p},
      or null where there is no peer or a single query.

  Raises:
    DataError: there is no request, system or k, a ranking has the wrong shape or repeats a product, a request
      has no target, or k is more than is ranked.
  """
  if not rankings or not requests or not ks:
    got = f"{len(rankings)} systems, {len(requests)} requests, {len(ks)} k"
    raise DataError(
      fault("evaluation", "needs a system, a request and a k", got, "hold out a longer part of the log")
    )
  for name, ranked in rankings.items():
    if len(ranked) != len(requests):
      rule = f"must have a row for each of {len(requests)} requests"
      raise DataError(fault(f"rankings[{name!r}]", rule, len(ranked), "rank every request"))
  ks = sorted(set(ks))
  k = HEADLINE if HEADLINE in ks else ks[0]
  orders = catalogue["orders"].to_numpy()
  everything = Slice(
    "all", "all", np.arange(len(requests)), [np.asarray(r.target, np.int64) for r in requests]
  )
  names = [f"{metric}@{at}" for at in ks for metric in METRICS]
  values = {name: _values(ranked, everything, names) for name, ranked in rankings.items()}
  systems = _means(values, names, seed)
  about = known(requests, catalogue, vectors)
  for name, ranked in rankings.items():
    systems[name] |= beyond(ranked, about, ks)
  return {
    "queries": len(requests),
    "products": catalogue.height,
    "seed": seed,
    "ks": ks,
    "k": k,
    "systems": systems,
    "slices": {s.name: _slice(s, rankings, k, seed) for s in slices_of(requests, catalogue)},
    "tail": tail(orders),
    "exposure": exposure(rankings, everything.targets, orders, k),
    "comparison": _comparison({name: v[names.index(f"NDCG@{k}")] for name, v in values.items()}, k, seed),
  }


def by_query(rankings: Mapping[str, np.ndarray], requests: Sequence[Decision], k: int) -> pl.DataFrame:
  """NDCG and Recall at k of each system at each request: columns row (of the request), system, NDCG and Recall."""
  targets = [np.asarray(r.target, np.int64) for r in requests]
  everything = Slice("all", "all", np.arange(len(requests)), targets)
  parts = []
  for name, ranked in rankings.items():
    values = _values(ranked, everything, [f"{metric}@{k}" for metric in SLICE_METRICS])
    columns = dict(zip(SLICE_METRICS, values.astype(np.float32)))
    parts.append(pl.DataFrame({"row": everything.queries, "system": [name] * len(requests), **columns}))
  return pl.concat(parts)


def _values(ranked: np.ndarray, part: Slice, names: Sequence[str]) -> np.ndarray:
  """[metrics, n] of one system on one slice."""
  hits = hits_of(ranked[part.queries], part.targets)
  targets = np.array([len(t) for t in part.targets], np.int64)
  cells = (name.split("@") for name in names)
  return np.stack([METRICS[metric](hits, targets, k=int(at)) for metric, at in cells])


def _means(values: Mapping[str, np.ndarray], names: Sequence[str], seed: int) -> dict[str, dict]:
  """system -> metric -> {mean, low, high}; one resampling of the queries serves every system and metric."""
  table = np.stack(list(values.values()))
  low, high = mean_interval(table, seed=seed)
  means = table.mean(axis=-1) if table.shape[-1] else np.full(table.shape[:-1], np.nan)
  return {
    system: {
      name: {"mean": number(means[i, j]), "low": number(low[i, j]), "high": number(high[i, j])}
      for j, name in enumerate(names)
    }
    for i, system in enumerate(values)
  }


def beyond(ranked: np.ndarray, about: Known, ks: Sequence[int]) -> dict[str, float | None]:
  """ "<metric>@<k>" -> number, of each metric beyond accuracy."""
  return {
    f"{name}@{k}": number(mean(metric(ranked, about, k=k))) for k in ks for name, metric in BEYOND.items()
  }


def _slice(part: Slice, rankings: Mapping[str, np.ndarray], k: int, seed: int) -> dict:
  names = [f"{metric}@{k}" for metric in SLICE_METRICS]
  values = {name: _values(ranked, part, names) for name, ranked in rankings.items()}
  return {"label": part.label, "n": len(part.queries), "systems": _means(values, names, seed)}


def _comparison(values: Mapping[str, np.ndarray], k: int, seed: int) -> dict | None:
  ours, *others = values
  if not others or len(values[ours]) < 2:
    return None
  peer = max(others, key=lambda name: values[name].mean())
  found = compare(values[ours], values[peer], seed=seed)
  numbers = {"difference": found.difference, "low": found.low, "high": found.high, "p": found.p}
  return {"system": ours, "peer": peer, "metric": f"NDCG@{k}"} | {
    key: number(v) for key, v in numbers.items()
  }


def number(value: float) -> float | None:
  """`value` as a result holds it: rounded, null where it is not finite."""
  return round(float(value), DIGITS) if np.isfinite(value) else None
