"""A result as files: report.json for programs; report.md with report.svg, and report.html, for people."""

import json
import os
import pathlib
from collections.abc import Mapping

from benchmarks.quality.bars import bars
from benchmarks.quality.results import OURS
from tfrec_combo.base.files import written_aside
from tfrec_combo.evaluation import plots
from tfrec_combo.evaluation.page import page
from tfrec_combo.evaluation.parts import Plot, Section
from tfrec_combo.evaluation.report import markdown_table
from tfrec_combo.evaluation.tables import BEYOND, Table, interval, number


def write(folder: str | os.PathLike[str], done: Mapping) -> None:
  """Writes the four files of one benchmark. done: what `run` answers."""
  folder = pathlib.Path(folder)
  found = tables(done)
  title = f"{done['benchmark']}: {done['protocol']}"
  first = next(iter(done["tracks"].values()))
  figure = {m: {name: cells[m] for name, cells in first["systems"].items()} for m in done["metrics"]}
  text = [f"# {title}", headline(done), "![Systems side by side](report.svg)"]
  for table in found:
    text += [f"## {table.title}", table.note, markdown_table(table)]
  files = {
    "report.json": json.dumps(done, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    "report.md": "\n\n".join(text) + "\n",
    "report.svg": bars(figure, [OURS]),
    "report.html": page(title, headline(done), _sections(done, found)),
  }
  for name, content in files.items():
    with written_aside(folder / name) as aside:
      aside.write_text(content, encoding="utf-8")


def headline(done: Mapping) -> str:
  """The sentences to take away."""
  scale = ", ".join(f"{count:,} {what}" for what, count in done["learnt from"].items())
  found = [f"Learnt from {scale}; seeds {', '.join(map(str, done['seeds'])) or 'none'}."]
  for track, part in done["tracks"].items():
    for c in part["comparison"]:
      p = "p < 0.001" if c["p"] < 0.001 else f"p = {c['p']:.3f}"
      found.append(
        f"{track}, {c['metric']}: {c['difference']:+.4f} against the best peer, {c['peer']} "
        f"(95 % interval {c['low']:+.4f} to {c['high']:+.4f}, {p})."
      )
  found += [
    f"{share['mean']:.3f} of the targets are among the first {n} candidates."
    for n, share in done["candidates"].items()
  ]
  return " ".join(found + [f"Left out: {what}." for what in done["left out"]])


def tables(done: Mapping) -> list[Table]:
  """Accuracy, slices and what is beyond accuracy of each track; then the costs."""
  found = []
  for track, part in done["tracks"].items():
    found += [_accuracy(done, track, part), _slices(done, track, part), _beyond(done, track, part)]
  rows = [
    [f"{OURS}, seed {seed}", *(f"{s:,.0f}" for s in stages.values())]
    for seed, stages in done["seconds"].items()
  ]
  if rows:
    found.append(
      Table("Wall seconds", "Of each stage, seed by seed.", ["", *next(iter(done["seconds"].values()))], rows)
    )
  if done["peer seconds"]:
    rows = [[name, f"{seconds:,.0f}"] for name, seconds in done["peer seconds"].items()]
    found.append(
      Table("Wall seconds of the peers", "To learn and to rank every track.", ["peer", "seconds"], rows)
    )
  return found


def _accuracy(done: Mapping, track: str, part: Mapping) -> Table:
  head, systems = done["metrics"], part["systems"]
  rest = [m for m in next(iter(systems.values())) if m not in head]
  rows = []
  for name, cells in systems.items():
    spread = [f"± {cells[m]['spread']:.4f}" if "spread" in cells[m] else "" for m in head]
    rows.append(
      [
        name,
        *(f"{interval(cells[m])} {s}".strip() for m, s in zip(head, spread)),
        *(number(cells[m]["mean"]) for m in rest),
      ]
    )
  note = (
    f"{part['queries']:,} queries. In brackets the 95 % bootstrap interval over queries; ± the standard deviation "
    "over the seeds of ours, whose figures are their means."
  )
  return Table(f"Accuracy: {track}", note, ["system", *head, *rest], rows, strong=_strong(systems))


def _slices(done: Mapping, track: str, part: Mapping) -> Table:
  metric, systems = done["metrics"][0], part["systems"]
  slices = {name: s for name, s in part["slices"].items() if s["n"]}
  rows = [[name, *(number(s["systems"][name][metric]["mean"]) for s in slices.values())] for name in systems]
  if OURS in systems and len(systems) > 1:
    rows.append(["ratio to the best peer", *(_ratio(s["systems"], metric) for s in slices.values())])
  empty = [s["label"] for s in part["slices"].values() if not s["n"]]
  note = f"{metric}; a slice by targets scores those alone, over the queries that have one." + "".join(
    f" None here: {label}." for label in empty
  )
  head = ["system", *(f"{s['label']} (n = {s['n']:,})" for s in slices.values())]
  return Table(f"Slices: {track}", note, head, rows, strong=_strong(systems))


def _beyond(done: Mapping, track: str, part: Mapping) -> Table:
  measured = {n.lower(): (n, what) for n, what in BEYOND.items()}
  names = [n for n in measured if any(cells[n] is not None for cells in part["beyond"].values())]
  rows = [[name, *(number(cells[n]) for n in names)] for name, cells in part["beyond"].items()]
  note = f"Of the first {done['k']}. " + " ".join("{}: {}.".format(*measured[n]) for n in names)
  return Table(f"Beyond accuracy: {track}", note, ["system", *names], rows, strong=_strong(part["systems"]))


def _ratio(systems: Mapping, metric: str) -> str:
  best = max(cells[metric]["mean"] for name, cells in systems.items() if name != OURS)
  return f"{systems[OURS][metric]['mean'] / best:.2f}" if best else "–"


def _strong(systems: Mapping) -> int | None:
  return 0 if OURS in systems else None


def _sections(done: Mapping, found: list[Table]) -> list[Section]:
  pictures = [
    Plot(f"Systems side by side: {track}", plots.bars(_shown(done, part), done["metrics"]))
    for track, part in done["tracks"].items()
  ]
  return [
    Section("Systems", pictures),
    Section("Figures", found),
    Section("Versions", [done["versions"]], folded=True),
  ]


def _shown(done: Mapping, part: Mapping) -> dict:
  """A track as the package's own page and plots read it."""
  compared = next(iter(part["comparison"]), None)
  return {
    "queries": part["queries"],
    "products": done["learnt from"]["products"],
    "comparison": compared and {"system": OURS} | compared,
    "systems": part["systems"],
  }
