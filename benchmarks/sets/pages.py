"""A result as files: report.json for programs, report.md with report.svg for people."""

import json
import pathlib
from collections.abc import Mapping

from benchmarks.quality.bars import bars
from benchmarks.sets.results import OURS
from tfrec_combo.base.files import written_aside
from tfrec_combo.evaluation.report import markdown_table
from tfrec_combo.evaluation.tables import Table, interval, number

MEANING = {
  "Hit": "the set that was taken, exactly",
  "F1": "2 common products over those of both sets",
  "Jaccard": "common products over all products of both sets",
  "PairRecall": "share of a set's pairs of which both products are in the very set or basket asked for",
  "PairCoverage": "share of its pairs that any of the baskets or bundles asked about holds",
  "Substitutes": "share of its pairs that are of one leaf category",
}


def write(folder: pathlib.Path, done: Mapping) -> None:
  """Writes the three files of one benchmark. done: what `run` answers."""
  title = f"Sets, {done['benchmark']}: {done['protocol']}"
  text = [f"# {title}", headline(done), "![Systems side by side](report.svg)"]
  for table in tables(done):
    text += [f"## {table.title}", table.note, markdown_table(table)]
  figure = {m: {name: cells[m] for name, cells in done["systems"].items()} for m in done["metrics"]}
  files = {
    "report.json": json.dumps(done, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
    "report.md": "\n\n".join(text) + "\n",
    "report.svg": bars(figure, [OURS]),
  }
  for name, content in files.items():
    with written_aside(folder / name) as aside:
      aside.write_text(content, encoding="utf-8")


def headline(done: Mapping) -> str:
  """The sentences to take away."""
  scale = ", ".join(f"{count:,} {what}" for what, count in done["learnt from"].items())
  models = ", ".join(done["models"]) or "none"
  found = [f"Learnt from {scale}; {done['queries']:,} requests; models: {models}."]
  for c in done["comparison"]:
    p = "p < 0.001" if c["p"] < 0.001 else f"p = {c['p']:.3f}"
    ratio = f"{c['ratio']:.3f} times" if c["ratio"] is not None else "beside nothing of"
    ends = f" ({number(c['ratio low'])} to {number(c['ratio high'])})" if c["ratio"] is not None else ""
    found.append(
      f"{c['metric']}: {c['ours']:.4f}, {ratio}{ends} the best peer, {c['peer']}, {c['best']:.4f}; "
      f"{c['difference']:+.4f} (95 % interval {c['low']:+.4f} to {c['high']:+.4f}, {p})."
    )
  if any(done["larger than our largest set"]):
    share = max(done["larger than our largest set"])
    found.append(f"{share:.1%} of the sets asked for are larger than the largest that the model makes.")
  return " ".join(found + [f"Left out: {what}." for what in done["left out"]])


def tables(done: Mapping) -> list[Table]:
  """Systems by metric, systems by size, and what all our sets are like."""
  head, systems = list(done["metrics"]), done["systems"]
  rest = [m for m in next(iter(systems.values())) if m not in head]
  rows = [
    [name, *(interval(cells[m]) for m in head), *(number(cells[m]["mean"]) for m in rest)]
    for name, cells in systems.items()
  ]
  note = (
    ". ".join(f"{m}: {MEANING[m]}" for m in (*head, *rest))
    + ". In brackets the 95 % bootstrap interval over requests."
  )
  strong = 0 if OURS in systems else None
  found = [Table("The first set", note, ["system", *head, *rest], rows, strong=strong)]
  sizes = done["sizes"]
  if len(sizes) > 1:
    rows = [[name, *(number(part["systems"][name]) for part in sizes.values())] for name in systems]
    columns = ["system", *(f"{size} (n = {part['n']:,})" for size, part in sizes.items())]
    found.append(
      Table("By size", f"{head[0]}, by the number of products asked for.", columns, rows, strong=strong)
    )
  if done["ours"]:
    values = {m: v for m, v in done["ours"].items() if m not in ("sets", "empty")}
    note = (
      f"Of the {done['ours']['sets']} sets answered to a request: Hit, F1 and Jaccard of the best of them, the rest as "
      f"their mean. Diversity: 1 - Jaccard between them. Without any set: {done['ours']['empty']:.2%} of the requests."
    )
    found.append(Table("All our sets", note, list(values), [[number(v) for v in values.values()]], numbers=0))
  rows = [[name, f"{seconds:,.1f}"] for name, seconds in done["seconds"].items()]
  found.append(
    Table("Wall seconds", "To learn, of a peer, and to answer all requests.", ["system", "seconds"], rows)
  )
  return found
