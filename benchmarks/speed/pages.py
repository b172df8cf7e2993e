"""What was measured as files: speed.json for programs and for the next run to add to, speed.md with speed.svg for people."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from benchmarks.quality.bars import bars
from benchmarks.speed.rows import Row
from tfrec_combo.base.files import read_json, write_json, written_aside
from tfrec_combo.evaluation.report import markdown_table
from tfrec_combo.evaluation.tables import Table

NOTE = """Medians of repeats in which ours and the peer took turns on one machine; ratios are medians of the repeats' own, with
their quartiles. `floor` is what the bytes or FLOPs of the work would take at the machine's measured ceiling, and `share` how much
of it is reached. `load` is the load average while it was measured: with more than the benchmark's own threads in it, seconds are
those of a busy machine, and ratios are what to read."""


def merge(
  folder: pathlib.Path, stage: str, measured: Sequence[Row], machine: Mapping, order: Sequence[str]
) -> None:
  """Puts the rows of one stage in the place of its last ones, and writes all three files anew.

  order: of the stages. machine: what the rows were measured on, kept beside them.
  """
  path = folder / "speed.json"
  stages = read_json(path)["stages"] if path.is_file() else {}
  stages[stage] = {"machine": dict(machine), "rows": [dataclasses.asdict(row) for row in measured]}
  stages = {
    name: stages[name] for name in sorted(stages, key=lambda n: (n not in order, [*order, n].index(n)))
  }
  folder.mkdir(parents=True, exist_ok=True)
  write_json(path, {"stages": stages})
  rows = [Row(**row) for part in stages.values() for row in part["rows"]]
  with written_aside(folder / "speed.md") as aside:
    aside.write_text(_markdown(stages, rows), encoding="utf-8")
  with written_aside(folder / "speed.svg") as aside:
    aside.write_text(plot(rows), encoding="utf-8")


def table(rows: Sequence[Row]) -> Table:
  """A line a row."""
  head = ["stage", "against", "ours", "peer", "unit", "ratio", "wanted", "floor", "share", "repeats", "load"]
  cells = [
    [
      row.stage, row.against, _number(row.ours), _number(row.peer), row.unit, _ratio(row), _wanted(row),
      _number(row.floor), "–" if row.share is None else f"{row.share:.0%}", str(row.repeats), _number(row.load),
    ]
    for row in rows
  ]  # fmt: skip
  return Table("Speed", NOTE, head, cells, numbers=2)


def _markdown(stages: Mapping, rows: Sequence[Row]) -> str:
  text = ["# Speed", NOTE, "![Of what was wanted](speed.svg)", markdown_table(table(rows))]
  notes = [f"- **{row.stage}**, against {row.against}: {row.note}" for row in rows if row.note]
  text += ["## What was measured, and how", "\n".join(notes)] if notes else []
  machines = Table(
    "Machine", "", ["stage", "threads", "memory, GB/s", "float32, GFLOP/s", "disk, GB/s", "scale"],
    [[name, str(m["threads"]), *(f"{m[key] / 1e9:.1f}" for key in ("bytes_copied", "flops", "disk")), m["scale"]]
     for name, m in ((name, part["machine"]) for name, part in stages.items())],
  )  # fmt: skip
  text += ["## The machine's ceilings, as each stage found them", markdown_table(machines)]
  return "\n\n".join(text) + "\n"


def plot(rows: Sequence[Row]) -> str:
  """How much of what was wanted each row reaches, as an SVG; those that reach it stand out."""
  wanted = [row for row in rows if row.reached is not None]
  if not wanted:
    return bars({"nothing was wanted": {}}, [])
  of_wanted = lambda row, ratio: row.wanted / ratio if row.at_most else ratio / row.wanted
  cells = {
    _name(row): {
      "mean": row.reached,
      "low": None if row.low is None else min(of_wanted(row, row.low), of_wanted(row, row.high)),
      "high": None if row.high is None else max(of_wanted(row, row.low), of_wanted(row, row.high)),
    }
    for row in wanted
  }
  return bars({"of what was wanted; 1: reached": cells}, [_name(row) for row in wanted if row.met], label=560)


def _name(row: Row) -> str:
  return f"{row.stage}: {row.against}"


def _ratio(row: Row) -> str:
  if row.ratio is None:
    return "–"
  spread = "" if row.low is None else f" ({row.low:.2f} to {row.high:.2f})"
  return f"{row.ratio:.2f}{spread}"


def _wanted(row: Row) -> str:
  if row.wanted is None:
    return "–"
  return f"{'at most' if row.at_most else 'at least'} {row.wanted:g}: {'yes' if row.met else 'no'}"


def _number(value: float | None) -> str:
  if value is None:
    return "–"
  return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
