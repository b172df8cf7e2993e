"""What was measured of the server as files: serving.json, a section a measurement, and serving.md with serving.svg for people."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.speed.pages import plot, table
from benchmarks.speed.rows import Row
from tfrec_combo.base.files import read_json, write_json, written_aside
from tfrec_combo.evaluation.report import markdown_table
from tfrec_combo.evaluation.tables import Table

RESULTS = pathlib.Path("benchmarks/results")
SECTIONS = ("speed", "plain", "saturation", "swaps")
NOTE = """The embedded server, asked by clients on its own machine. The ways of one section took turns; figures are medians of the
turns, ratios medians of the turns' own, with their quartiles. `load` is the load average as it began: with more than the
benchmark's own work in it, read the ratios."""


def merge(
  folder: pathlib.Path,
  section: str,
  rows: Sequence[Row],
  tables: Sequence[Table],
  measured: Mapping[str, Any],
) -> None:
  """Puts one section in the place of its last measurement, and writes all three files anew.

  rows: of the common table. tables: of the section alone. measured: what they were made of, as JSON can hold it.
  """
  path = folder / "serving.json"
  sections = read_json(path)["sections"] if path.is_file() else {}
  sections[section] = {
    "cores": os.cpu_count(),
    "rows": [dataclasses.asdict(row) for row in rows],
    "tables": [dataclasses.asdict(one) for one in tables],
    "measured": dict(measured),
  }
  sections = {name: sections[name] for name in SECTIONS if name in sections}
  every = [Row(**row) for part in sections.values() for row in part["rows"]]
  folder.mkdir(parents=True, exist_ok=True)
  write_json(path, {"sections": sections})
  for name, text in (("serving.md", _markdown(sections, every)), ("serving.svg", plot(every))):
    with written_aside(folder / name) as aside:
      aside.write_text(text, encoding="utf-8")
  print(markdown_table(table(rows)), *(f"{one.title}\n\n{markdown_table(one)}" for one in tables), sep="\n\n")


def _markdown(sections: Mapping[str, Mapping], rows: Sequence[Row]) -> str:
  text = ["# The embedded server", NOTE, "![Of what was wanted](serving.svg)", markdown_table(table(rows))]
  notes = [f"- **{row.stage}**, against {row.against}: {row.note}" for row in rows if row.note]
  text += ["## What was measured, and how", "\n".join(notes)] if notes else []
  for part in sections.values():
    for one in (Table(**found) for found in part["tables"]):
      text += [f"## {one.title}", *([one.note] if one.note else []), markdown_table(one)]
  return "\n\n".join(text) + "\n"
