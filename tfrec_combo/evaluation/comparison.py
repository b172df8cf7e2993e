"""Several runs side by side as the sections of one page."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import yaml

from tfrec_combo.evaluation import plots, tables
from tfrec_combo.evaluation.kept import Kept
from tfrec_combo.evaluation.parts import Part, Plot, Section
from tfrec_combo.evaluation.tables import Table, number

NONE = "–"


def headline(found: Sequence[Mapping]) -> str:
  """The sentences to take away of `kept.deltas`."""
  said = []
  for d in found:
    if d["difference"] is not None and d["metric"].startswith("NDCG"):
      p = "p < 0.001" if d["p"] < 0.001 else f"p = {d['p']:.3f}"
      said.append(
        f"{d['run']} against {d['against']}: {d['metric']} {d['difference']:+.4f} (95 % interval {d['low']:+.4f} to "
        f"{d['high']:+.4f}, {p}) on the {d['requests']:,} requests that both were asked."
      )
  return " ".join(said) or "These runs were not asked the same requests, so nothing is paired."


def sections(runs: Sequence[Kept], side: Mapping, found: Sequence[Mapping]) -> list[Section]:
  """runs: at least two. side: `kept.side_by_side`. found: `kept.deltas`."""
  facts = {run.name: run.run for run in runs}
  parts: list[tuple[str, list[Part]]] = [
    ("Accuracy", _accuracy(side, found)),
    ("Slices", _slices(side)),
    ("Coverage and popularity", [tables.beyond(side)] if side else []),
    ("Training", _training(facts)),
    ("Data", [_flat("Data", {n: _profile(f) for n, f in facts.items()})]),
    ("Index", [_flat("Index", {n: f.get("index", {}) for n, f in facts.items()})]),
    ("Model", [_flat("Model", {n: f.get("model", {}) for n, f in facts.items()})]),
    ("Time", [_flat("Seconds of each stage", {n: f.get("timings", {}) for n, f in facts.items()})]),
    (
      "Settings that differ",
      [_flat("Settings", {n: _settings(f) for n, f in facts.items()}, differing=True)],
    ),
    (
      "Versions that differ",
      [_flat("Versions", {n: f.get("versions", {}) for n, f in facts.items()}, differing=True)],
    ),
  ]
  filled = [(title, [p for p in inside if not isinstance(p, Table) or p.rows]) for title, inside in parts]
  return [Section(title, inside) for title, inside in filled if inside]


def _accuracy(side: Mapping, found: Sequence[Mapping]) -> list[Part]:
  if not side:
    return ["None of these runs is evaluated yet, or they have no k in common."]
  note = "Mean and 95 % bootstrap interval over the requests of each run; below the runs the best peer of the first."
  parts: list[Part] = [Plot("Runs side by side", plots.systems(side), note)]
  if any(d["difference"] is not None for d in found):
    note = "Less the first run, request by request on those that both were asked; 95 % bootstrap interval of the pairs."
    parts.append(Plot("Difference", differences(found), note))
  if found:
    parts.append(_deltas(found))
  return [*parts, tables.accuracy(side)]


def differences(found: Sequence[Mapping]) -> go.Figure:
  """Difference to the first run with its interval, a dot a metric and run."""
  told = [d for d in found if d["difference"] is not None]
  figure = go.Figure(
    go.Scatter(
      x=[d["difference"] for d in told],
      y=[plots.text(f"{d['run']}, {d['metric']}") for d in told],
      mode="markers",
      marker={"size": 11, "color": plots.OURS},
      error_x={
        "array": [d["high"] - d["difference"] for d in told],
        "arrayminus": [d["difference"] - d["low"] for d in told],
        "width": 5,
      },
      hovertemplate="%{y}: %{x:+.4f}<extra></extra>",
    )
  )
  figure.add_vline(0, line_color=plots.INK, line_width=1)
  figure.update_yaxes(autorange="reversed")
  figure.update_xaxes(tickformat="+.3f")
  return plots.dressed(figure, 110 + 36 * len(told))


def _deltas(found: Sequence[Mapping]) -> Table:
  rows = []
  for d in found:
    if d["difference"] is None:
      rows.append([d["run"], d["against"], d["metric"], f"{d['requests']:,}", NONE, NONE, NONE])
    else:
      span = f"[{d['low']:+.4f}, {d['high']:+.4f}]"
      rows.append(
        [
          d["run"],
          d["against"],
          d["metric"],
          f"{d['requests']:,}",
          f"{d['difference']:+.4f}",
          span,
          number(d["p"]),
        ]
      )
  note = (
    "A dash where fewer than two requests are shared: other data, another split, another seed or another k."
  )
  head = ["run", "against", "metric", "shared requests", "difference", "95 % interval", "p"]
  return Table("Paired differences", note, head, rows, numbers=3)


def _slices(side: Mapping) -> list[Part]:
  if not side.get("slices"):
    return []
  runs = [name for name in side["systems"] if not name.endswith(" (peer)")]
  shown = dict(side) | {"systems": {name: side["systems"][name] for name in runs}}
  return [Plot("Recall by slice", plots.slices(shown)), tables.slices(shown)]


def _training(facts: Mapping[str, Mapping]) -> list[Part]:
  found: dict[str, dict] = {}
  for name, told in facts.items():
    for part, curves in told.get("history", {}).items():
      found.setdefault(part, {}).update({f"{name}, {curve}": values for curve, values in curves.items()})
  return [Plot("Curves", plots.training(found), "By epoch, each part of the model.")] if found else []


def _profile(told: Mapping) -> dict:
  rows = {
    f"{n}: rows dropped": t["rows_dropped"] for n, t in told.get("dropped", {}).get("tables", {}).items()
  }
  return dict(told.get("profile", {})) | rows


def _settings(told: Mapping) -> dict[str, object]:
  found: dict[str, object] = {}
  for section, values in (yaml.safe_load(told.get("config", "")) or {}).items():
    inner = values.items() if isinstance(values, dict) else [("", values)]
    found |= {f"{section}.{key}".rstrip("."): value for key, value in inner}
  return found


def _flat(title: str, told: Mapping[str, Mapping], differing: bool = False) -> Table:
  """Named values of several runs, a column a run; `differing`: only where they are not all the same."""
  words = {run: dict(tables.facts(values)) for run, values in told.items()}
  names = list(dict.fromkeys(name for values in words.values() for name in values))
  rows = [[name, *(values.get(name, NONE) for values in words.values())] for name in names]
  if differing:
    rows = [row for row in rows if len(set(row[1:])) > 1]
  return Table(title, "", ["fact", *words], rows, numbers=len(words) + 1)
