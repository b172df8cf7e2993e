"""What is wrong with a table, cell by cell, and how it is told."""

import collections
import dataclasses
import pathlib

from tfrec_combo.logs import formats

EXAMPLES = 3  # faults of each rule quoted in the summary of what was dropped
WIDEST = 40  # characters of a value shown


@dataclasses.dataclass(frozen=True)
class Fault:
  """One broken rule. `record` is its number in the file, from 0."""

  table: str
  path: pathlib.Path
  record: int
  column: str
  value: str | None
  rule: str

  @property
  def file(self) -> str:
    """The file's name and its folder's."""
    return "/".join(self.path.parts[-2:])


def shown(value: str | None) -> str:
  """`value` on one line, quoted, cut where it is long; "null" where there is none."""
  if value is None:
    return "null"
  return repr(value if len(value) <= WIDEST else value[: WIDEST - 3] + "...")


class FaultReport:
  """All faults of a shop's tables: every one is counted, the first `limit` of each rule are kept.

  `rows`: table -> (rows read, rows kept).
  """

  def __init__(self, limit: int) -> None:
    self.limit = limit
    self.counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    self.rows: dict[str, tuple[int, int]] = {}
    self._kept: dict[tuple[str, str, str], list[Fault]] = {}

  def __len__(self) -> int:
    return self.counts.total()

  def add(self, faults: list[Fault], count: int) -> None:
    """Adds `count` faults of one table, column and rule; `faults` are the first of them."""
    key = (faults[0].table, faults[0].column, faults[0].rule)
    self.counts[key] += count
    kept = self._kept.setdefault(key, [])
    kept.extend(faults[: self.limit - len(kept)])

  def add_rows(self, table: str, read: int, kept: int) -> None:
    """Counts rows of one more file of `table`."""
    before = self.rows.get(table, (0, 0))
    self.rows[table] = (before[0] + read, before[1] + kept)

  def faults(self) -> list[Fault]:
    """The faults shown: at most `limit`, by table, file and place."""
    tables = list(dict.fromkeys(table for table, _, _ in self.counts))
    kept = [fault for faults in self._kept.values() for fault in faults]
    kept.sort(key=lambda f: (tables.index(f.table), f.file, f.record))
    return kept[: self.limit]

  def table(self) -> str:
    """The aligned table of faults, what of them is not shown, and the counts by rule."""
    listed = self.faults()
    places = _places(listed)
    cells = [
      (f.file, f"{formats.unit_of(f.path)} {places[f.path, f.record]}", f.column, shown(f.value), f.rule)
      for f in listed
    ]
    rows = [("file", "place", "column", "value", "rule"), *cells]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join([c.ljust(w) for c, w in zip(row, widths)] + [row[4]]) for row in rows]
    if len(self) > len(listed):
      lines.append(f"... and {len(self) - len(listed)} more (data.max_faults is {self.limit})")
    lines.append("by rule:")
    lines += [f"  {n:>7}  {table}.{column} {rule}" for (table, column, rule), n in self.counts.most_common()]
    return "\n".join(lines)

  def message(self) -> str:
    """What a run that stops at bad rows says."""
    n = len(self)
    return (
      f"{n} {'fault' if n == 1 else 'faults'} in the tables:\n{self.table()}\n"
      "mend the rows, or set data.on_bad_row to drop (--on-bad-row drop) to leave them out"
    )

  def summary(self) -> dict:
    """What a run that drops bad rows writes down, as plain values for JSON."""
    tables: dict[str, dict] = {
      table: {"rows_read": read, "rows_kept": kept, "rows_dropped": read - kept, "faults": []}
      for table, (read, kept) in self.rows.items()
    }
    places = _places([fault for faults in self._kept.values() for fault in faults[:EXAMPLES]])
    for key, count in self.counts.items():
      table, column, rule = key
      examples = [
        {"file": f.file, formats.unit_of(f.path): places[f.path, f.record], "value": f.value}
        for f in self._kept[key][:EXAMPLES]
      ]
      tables[table]["faults"].append({"column": column, "rule": rule, "count": count, "examples": examples})
    return {"on_bad_row": "drop", "faults": len(self), "tables": tables}


def _places(faults: list[Fault]) -> dict[tuple[pathlib.Path, int], int]:
  """Line or row, from 1, of each file and record: each file is read again once."""
  records: dict[pathlib.Path, set[int]] = {}
  for fault in faults:
    records.setdefault(fault.path, set()).add(fault.record)
  return {
    (path, record): place
    for path, found in records.items()
    for record, place in zip(sorted(found), formats.line_of(path, sorted(found)))
  }
