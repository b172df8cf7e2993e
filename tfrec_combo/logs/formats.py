"""CSV, JSONL and Parquet behind one scan, and where in its file a record stands."""

import csv
import itertools
import json
import pathlib
import re
from collections.abc import Iterator, Sequence

import polars as pl

from tfrec_combo.base.errors import DataError

KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
RECORD = "__record__"  # number of a record in its file, from 0; `line_of` turns it into a line or row
PEEKED = 1000  # lines of a JSONL file that are asked for the names of its columns
ROWS = 250_000  # of a file held in memory at a time
SHORTEST = {"csv": 30, "jsonl": 80}  # bytes of a record of four short columns


def kind(path: pathlib.Path) -> str:
  """csv, jsonl or parquet by the suffix; "" for any other."""
  return KINDS.get(path.suffix.lower(), "")


def separator(path: pathlib.Path) -> str:
  """What stands between the fields of a CSV file: of comma, semicolon and tab the one its first line has most of."""
  with open(path, encoding="utf-8", errors="replace") as f:
    first = re.sub(r'"[^"]*"', "", f.readline())  # a quoted name may hold any of them
  return max(SEPARATORS, key=first.count)


def columns_of(path: pathlib.Path) -> list[str]:
  """Names of the file's columns. Raises DataError where the file cannot be read."""
  if kind(path) == "parquet":
    return collect(path, pl.scan_parquet(path).head(0)).columns
  if kind(path) == "csv":
    return collect(path, pl.scan_csv(path, infer_schema=False, separator=separator(path)).head(0)).columns
  names: dict[str, None] = {}
  try:
    with open(path, encoding="utf-8") as f:
      for line in itertools.islice((line for line in f if line.strip()), PEEKED):
        names.update(dict.fromkeys(json.loads(line)))
  except (ValueError, TypeError):
    raise DataError(_why_jsonl(path) or f"{path}: is not JSONL; write one JSON object a line") from None
  return list(names)


def scan(path: pathlib.Path, columns: list[str]) -> pl.LazyFrame:
  """The file's records with their number from 0 in the column `RECORD`.

  CSV and JSONL come as strings, so that a value of the wrong type is a fault with a place and no reader's
  crash.
  """
  if kind(path) == "parquet":
    return pl.scan_parquet(path, row_index_name=RECORD)
  if kind(path) == "csv":
    frame = pl.scan_csv(path, infer_schema=False, separator=separator(path), row_index_name=RECORD)
    return frame.filter(~pl.all_horizontal(pl.all().exclude(RECORD).is_null()))  # blank lines are no records
  return pl.scan_ndjson(path, schema=dict.fromkeys(columns, pl.String), row_index_name=RECORD)


def collect(path: pathlib.Path, frame: pl.LazyFrame) -> pl.DataFrame:
  """`frame` read. Raises DataError that says what in the file is malformed, and where."""
  try:
    return frame.collect()
  except (pl.exceptions.PolarsError, OSError) as e:
    raise _malformed(path, e) from None


def batches(path: pathlib.Path, frame: pl.LazyFrame) -> Iterator[pl.DataFrame]:
  """`frame` read `ROWS` rows at a time, in order. Raises as `collect` does."""
  try:
    yield from frame.collect_batches(chunk_size=ROWS, maintain_order=True)
  except (pl.exceptions.PolarsError, OSError) as e:
    raise _malformed(path, e) from None


def _malformed(path: pathlib.Path, error: Exception) -> DataError:
  why = {"csv": _why_csv, "jsonl": _why_jsonl, "parquet": _why_parquet}[kind(path)](path)
  return DataError(why or f"{path}: cannot be read: {str(error).splitlines()[0]}; export it again")


def rows_of(path: pathlib.Path) -> int:
  """About how many records the file holds: exactly of Parquet, else by its size."""
  if kind(path) == "parquet":
    return int(collect(path, pl.scan_parquet(path).select(pl.len())).item())
  return path.stat().st_size // SHORTEST[kind(path)]


def unit_of(path: pathlib.Path) -> str:
  """What `line_of` counts: lines of a text file, rows of Parquet."""
  return "row" if kind(path) == "parquet" else "line"


def line_of(path: pathlib.Path, records: Sequence[int]) -> list[int]:
  """Lines (rows of Parquet) from 1 on which the records, numbered as by `scan`, start.

  Reads the file again: faults are few, and rows many.
  """
  if kind(path) == "parquet":
    return [r + 1 for r in records]
  place: dict[int, int] = {}
  seen = 0
  for starts in _starts(path):
    here = [r for r in records if seen <= r < seen + len(starts)]
    place |= zip(here, starts.gather([r - seen for r in here]))
    seen += len(starts)
  return [place[r] for r in records]


def _starts(path: pathlib.Path) -> Iterator[pl.Series]:
  """The line on which each record of a text file starts, batch by batch."""
  if kind(path) == "jsonl":
    lines = pl.scan_lines(path, name="text", row_index_name="line", row_index_offset=1)
    written = lines.filter(pl.col("text").str.strip_chars() != "").select("line")
    yield from (batch["line"] for batch in batches(path, written))
    return
  frame = pl.scan_csv(path, infer_schema=False, separator=separator(path))
  line = 2 + sum(name.count("\n") for name in frame.collect_schema().names())
  taken = 1 + pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0)).cast(pl.Int64)
  for batch in batches(path, frame.select(taken=taken)):
    ends = batch["taken"].cum_sum()
    yield line + ends - batch["taken"]
    line += ends[-1] if len(ends) else 0


def _why_csv(path: pathlib.Path) -> str | None:
  if wrong := _not_utf8(path):
    return wrong
  between = separator(path)
  with open(path, encoding="utf-8", newline="") as f:
    rows = csv.reader(f, strict=True, delimiter=between)
    start = 1
    try:
      width = len(next(rows))
      start = rows.line_num + 1
      for row in rows:
        if len(row) > width:
          return (
            f"{path}: line {start} has {len(row)} fields and the header {width}; "
            f'put a field that holds a {SEPARATORS[between]} into double quotes ("")'
          )
        start = rows.line_num + 1
    except csv.Error as e:
      return f"{path}: the record that starts on line {start} is not CSV: {e}; check its double quotes"
  return None


def _why_jsonl(path: pathlib.Path) -> str | None:
  if wrong := _not_utf8(path):
    return wrong
  with open(path, encoding="utf-8") as f:
    for number, line in enumerate(f, 1):
      try:
        if line.strip() and not isinstance(json.loads(line.rstrip(), parse_constant=_refuse), dict):
          return f"{path}: line {number} is not a JSON object; write one object a line, like {{...}}"
      except json.JSONDecodeError as e:
        return f"{path}: line {number} is not JSON: {e.msg} at column {e.colno}; write one object a line"
      except ValueError as e:
        return f"{path}: line {number} is not JSON: {e}; write null for a missing value"
  return None


def _refuse(name: str) -> None:
  raise ValueError(f"{name} is not a JSON value")


def _why_parquet(path: pathlib.Path) -> str | None:
  with open(path, "rb") as f:
    if f.read(4) != b"PAR1":
      return f"{path}: is not a Parquet file; export it again, or give it the suffix it is"
  return None


def _not_utf8(path: pathlib.Path) -> str | None:
  with open(path, "rb") as f:
    for number, line in enumerate(f, 1):
      try:
        line.decode("utf-8")
      except UnicodeDecodeError as e:
        return (
          f"{path}: line {number} is not UTF-8 (byte {line[e.start]:#x}); "
          f"convert it: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > fixed{path.suffix}"
        )
  return None
