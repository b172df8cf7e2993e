"""The result of an evaluation as files: report.json for programs, report.md and report.html for people."""

import html
import json
import math
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tfrec_combo.base.files import written_aside
from tfrec_combo.evaluation.page import page
from tfrec_combo.evaluation.parts import Code, Part, Plot, Section
from tfrec_combo.evaluation.sections import sections
from tfrec_combo.evaluation.tables import Table, facts, headline

JSON, MARKDOWN, HTML, QUERIES = "report.json", "report.md", "report.html", "queries.parquet"


def write_report(
  folder: str | os.PathLike[str], result: Mapping, run: Mapping, queries: pl.DataFrame | None = None
) -> None:
  """Writes report.json, report.md and report.html into `folder`, each whole or not at all; the rest stays.

  Args:
    result: what `score` answered.
    run: facts about the run, each optional: name (str), profile (flat dict: the data in figures), dropped (see
      `logs.faults.FaultReport.summary`), versions (package -> version), config (YAML text), timings (stage -> seconds),
      history (part of the model -> metric -> value an epoch), model and index (flat dicts), index_curve (see
      `retrieval.autopilot.Tuned.as_dict`), examples (list of {"request": str, "answer": [str], "truth": [str]}, and maybe
      hits, kind and ndcg).
    queries: what each system made of each request, kept as queries.parquet, by which runs are compared in pairs.
  """
  folder = pathlib.Path(folder)
  result, run = _plain(result), _plain(run)
  if queries is not None:
    with written_aside(folder / QUERIES) as aside:
      queries.write_parquet(aside)
  text = json.dumps({"run": run, "result": result}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
  with written_aside(folder / JSON) as aside:
    aside.write_text(text, encoding="utf-8")
  write_pages(folder / HTML, result, run)


def write_pages(target: pathlib.Path, result: Mapping | None, run: Mapping) -> None:
  """Writes the page of a run, evaluated or not, to `target`, and as Markdown beside it."""
  title = str(run.get("name", "Evaluation"))
  lead = headline(result) if result else "This run is not evaluated yet."
  write_both(target, title, lead, sections(result, run))


def write_both(target: pathlib.Path, title: str, lead: str, found: Sequence[Section]) -> None:
  """One page as HTML, and as Markdown beside it."""
  texts = {target.with_suffix(".md"): markdown(title, lead, found), target: page(title, lead, found)}
  for path, text in texts.items():
    with written_aside(path) as aside:
      aside.write_text(text, encoding="utf-8")


def markdown(title: str, lead: str, found: Sequence[Section]) -> str:
  """The report as Markdown, without its plots."""
  parts = [f"# {_escaped(title)}", _escaped(lead)]
  for section in found:
    said = [text for part in section.parts if (text := _part(part, section))]
    if said and section.folded:
      body = "\n\n".join(said)
      parts.append(f"<details><summary>{_escaped(section.title)}</summary>\n\n{body}\n\n</details>")
    elif said:
      parts += [f"## {_escaped(section.title)}", *said]
  return "\n\n".join(parts) + "\n"


def _part(part: Part, section: Section) -> str:
  match part:
    case Table():
      title = [] if part.title == section.title else [f"### {_escaped(part.title)}"]
      return "\n\n".join([*title, *filter(None, [_escaped(part.note)]), markdown_table(part)])
    case Plot():
      return ""  # its figures stand in a table, or are a curve
    case Code():
      return _fenced(part.text, part.language)
    case str():
      return part
  return _bullets(part)


def markdown_table(table: Table) -> str:
  """One table as Markdown; its title and note stand elsewhere."""
  rule = ["---" if i < table.numbers else "---:" for i in range(len(table.head))]
  rows = [table.head, rule, *table.rows]
  cells = [[cell if row is rule else _cell(cell) for cell in row] for row in rows]
  if table.strong is not None:
    cells[table.strong + 2] = [f"**{cell}**" for cell in cells[table.strong + 2]]
  return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _cell(text: str) -> str:
  return "<br>".join(map(_escaped, text.split("\n")))


def _bullets(values: Mapping[str, object]) -> str:
  return "\n".join(f"- {_escaped(name)}: {_escaped(value)}" for name, value in facts(values))


def _escaped(value: object) -> str:
  """One line of text that Markdown shows as it is."""
  return re.sub(r"([\\`*_\[\]|#])", r"\\\1", html.escape(" ".join(str(value).split()), quote=False))


def _fenced(text: str, language: str) -> str:
  fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
  return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _plain(value: Any) -> Any:
  """`value` as JSON holds it: numpy scalars as numbers, what is not finite as null."""
  if isinstance(value, Mapping):
    return {str(key): _plain(v) for key, v in value.items()}
  if isinstance(value, list | tuple):
    return [_plain(v) for v in value]
  if hasattr(value, "tolist"):  # numpy arrays and scalars
    return _plain(value.tolist())
  if isinstance(value, float):
    return value if math.isfinite(value) else None
  return value if isinstance(value, str | int | bool | None) else str(value)
