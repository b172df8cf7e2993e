"""Reports as they were kept, and several of them side by side."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import polars as pl

from tfrec_combo.base import files
from tfrec_combo.evaluation.report import JSON, QUERIES
from tfrec_combo.evaluation.score import SLICE_METRICS, number
from tfrec_combo.metrics.intervals import compare


@dataclasses.dataclass(frozen=True)
class Kept:
  """One run. result: what `score` answered, None before an evaluation; run: its facts; queries: what each system made of each
  request, None where that was not kept."""

  name: str
  result: Mapping | None
  run: Mapping
  queries: pl.DataFrame | None = None

  @property
  def ours(self) -> str:
    """The system that was evaluated, beside the peers."""
    return next(iter((self.result or {})["systems"]))


def read(folder: pathlib.Path) -> Kept:
  """The report in an evaluation folder, which `write_report` wrote."""
  told, queries = files.read_json(folder / JSON), folder / QUERIES
  kept = pl.read_parquet(queries) if queries.is_file() else None
  return Kept(str(told["run"].get("name", "Evaluation")), told["result"], told["run"], kept)


def told_apart(runs: Sequence[Kept], folders: Sequence[pathlib.Path]) -> list[Kept]:
  """The runs, those of one name named by their folders, and by their place where even those are alike."""
  names = [run.name for run in runs]
  if len(set(names)) < len(names):
    names = ["/".join(folder.resolve().parts[-2:]) for folder in folders]
  if len(set(names)) < len(names):
    names = [f"{i}. {name}" for i, name in enumerate(names, 1)]
  return [dataclasses.replace(run, name=name) for run, name in zip(runs, names)]


def side_by_side(runs: Sequence[Kept]) -> dict:
  """The evaluated runs as one result of the form that `score` answers: each run is a system, the best peer of the first another.

  What only some of them have, such as a k or a slice, is left out.
  """
  results = {run.name: run.result for run in runs if run.result}
  if not results:
    return {}
  first = next(iter(results.values()))
  ks = [k for k in first["ks"] if all(k in r["ks"] for r in results.values())]
  if not ks:
    return {}
  k = first["k"] if first["k"] in ks else ks[0]
  named = {name: _ours(r["systems"]) for name, r in results.items()}
  peer = (first["comparison"] or {}).get("peer")
  if peer:
    named |= {f"{peer} (peer)": first["systems"][peer]}
  shared = set.intersection(*(set(cells) for cells in named.values()))
  slices = {}
  for name, part in first["slices"].items():
    parts = {run: r["slices"][name] for run, r in results.items() if name in r["slices"]}
    if len(parts) == len(results) and all(p["n"] for p in parts.values()) and k == first["k"]:
      cells = {run: _ours(p["systems"]) for run, p in parts.items()}
      if all(f"Recall@{k}" in c for c in cells.values()):
        slices[name] = {"label": part["label"], "n": part["n"], "systems": cells}
  return {
    "queries": first["queries"],
    "products": first["products"],
    "ks": ks,
    "k": k,
    "systems": {run: {m: c for m, c in cells.items() if m in shared} for run, cells in named.items()},
    "slices": slices,
  }


def _ours(systems: Mapping) -> Mapping:
  return next(iter(systems.values()))


def deltas(runs: Sequence[Kept]) -> list[dict]:
  """Each evaluated run against the first one, on the requests that both were asked.

  Each dict: run, against, metric, requests (how many both were asked), difference, low, high (95 % interval of paired
  requests) and p; the last four are null where fewer than two are shared.
  """
  evaluated = [run for run in runs if run.result is not None]
  found = []
  for run in evaluated[1:]:
    base = evaluated[0]
    pairs = _pairs(run, base)
    k = (run.result or {})["k"]
    for metric in reversed(SLICE_METRICS):
      told: dict = {
        "run": run.name,
        "against": base.name,
        "metric": f"{metric}@{k}",
        "requests": pairs.height,
      }
      if pairs.height > 1:
        seed = (run.result or {})["seed"]
        one = compare(pairs[metric].to_numpy(), pairs[f"{metric}_base"].to_numpy(), seed=seed)
        values = {"difference": one.difference, "low": one.low, "high": one.high, "p": one.p}
      else:
        values = dict.fromkeys(("difference", "low", "high", "p"), float("nan"))
      found.append(told | {name: number(value) for name, value in values.items()})
  return found


def _pairs(run: Kept, base: Kept) -> pl.DataFrame:
  """Requests that both were asked, with the metrics of each."""
  parts = []
  for one in (run, base):
    if one.queries is None or (run.result or {})["k"] != (base.result or {})["k"]:
      return pl.DataFrame()
    parts.append(
      one.queries.filter(pl.col("system") == one.ours).unique("query", keep="first", maintain_order=True)
    )
  return parts[0].join(parts[1], on="query", suffix="_base", maintain_order="left")
