"""CSV, JSONL and Parquet behind one scan, and where in its file a record stands."""

import csv
import itertools
import json
import pathlib
import re

import polars as pl

from tfrec_combo.base.errors import DataError

KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
PEEKED = 1000  # lines of a JSONL file that are asked for the names of its columns


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


def scan(path: pathlib.Path, record: str, columns: list[str]) -> pl.LazyFrame:
  """The file's records with their number from 0 in the column `record`.

  CSV and JSONL come as strings, so that a value of the wrong type is a fault with a place and no reader's
  crash.
  """
  if kind(path) == "parquet":
    return pl.scan_parquet(path, row_index_name=record)
  if kind(path) == "csv":
    frame = pl.scan_csv(path, infer_schema=False, separator=separator(path), row_index_name=record)
    return frame.filter(~pl.all_horizontal(pl.all().exclude(record).is_null()))  # blank lines are no records
  return pl.scan_ndjson(path, schema=dict.fromkeys(columns, pl.String), row_index_name=record)


def collect(path: pathlib.Path, frame: pl.LazyFrame) -> pl.DataFrame:
  """`frame` read. Raises DataError that says what in the file is malformed, and where."""
  try:
    return frame.collect()
  except (pl.exceptions.PolarsError, OSError) as e:
    why = {"csv": _why_csv, "jsonl": _why_jsonl, "parquet": _why_parquet}[kind(path)](path)
    raise DataError(why or f"{path}: cannot be read: {str(e).splitlines()[0]}; export it again") from None


def unit_of(path: pathlib.Path) -> str:
  """What `line_of` counts: lines of a text file, rows of Parquet."""
  return "row" if kind(path) == "parquet" else "line"


def line_of(path: pathlib.Path, records: list[int]) -> list[int]:
  """Lines (rows of Parquet) from 1 on which the records start.

  Reads the file again: faults are few, and rows many.
  """
  if kind(path) == "parquet":
    return [r + 1 for r in records]
  if kind(path) == "csv":
    frame = pl.read_csv(path, infer_schema=False, separator=separator(path))
    breaks = pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True).fill_null(0)).cast(pl.Int64)
    header = sum(name.count("\n") for name in frame.columns)
    return [header + 2 + r + b for r, b in zip(records, _before(frame.select(breaks).to_series(), records))]
  lines = pl.scan_lines(path, name="text", row_index_name="line", row_index_offset=1)
  written = lines.filter(pl.col("text").str.strip_chars() != "").select("line").collect()["line"]
  return written.gather(records).to_list()


def _before(breaks: pl.Series, records: list[int]) -> list[int]:
  return (breaks.cum_sum() - breaks).gather(records).to_list()


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
