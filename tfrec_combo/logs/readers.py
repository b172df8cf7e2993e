"""The user's files, CSV, JSONL or Parquet, as frames under the contract's column names."""

import dataclasses
import difflib
import pathlib
from collections.abc import Iterator

import polars as pl

from tfrec_combo.base import settings
from tfrec_combo.base.errors import ConfigError, DataError, fault
from tfrec_combo.logs import formats, shop

JOINED = ("text", "category")  # the names that may stand for several of the user's columns
TIME = "timestamp"  # the one required name that may be mapped to no column, [], where a log has no times


@dataclasses.dataclass(frozen=True)
class Contract:
  """The columns of one table, and for a column that is not mapped the names looked for in the file."""

  required: tuple[str, ...]
  optional: tuple[str, ...] = ()
  fallback: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


CONTRACTS = {
  "products": Contract(
    ("product_id",), ("text", "category", "price", "in_stock"), {"text": ("text", "title")}
  ),
  "events": Contract(
    ("user_id", "product_id", "timestamp"), ("order_id", "event", "context", "price", "quantity")
  ),
  "bundles": Contract(("bundle_id", "product_id")),
  "bundle_events": Contract(("user_id", "bundle_id", "timestamp")),
  "intents": Contract(("bundle_id", "text")),
}


@dataclasses.dataclass(frozen=True)
class Part:
  """What one file, or a batch of its records, brings to a table.

  frame: one row a record, in the file's order: `formats.RECORD`, the contract's columns that the file has and, for a
    name in `JOINED` that stands for several columns, one column each under `piece(name, i)`. Ids are strings.
    Everything else is a string too, but for the timestamps and numbers of Parquet, which keep their type.
  """

  table: str
  path: pathlib.Path
  frame: pl.DataFrame


@dataclasses.dataclass(frozen=True)
class Source:
  """A file of a table. chosen: name in the part -> the user's column."""

  table: str
  path: pathlib.Path
  chosen: dict[str, str]

  def batches(self) -> Iterator[Part]:
    """Its records, a bounded number at a time.

    Raises:
      DataError: the file is malformed, or holds no records.
    """
    scanned = formats.scan(self.path, list(dict.fromkeys(self.chosen.values())))
    wanted = scanned.select(formats.RECORD, **{k: pl.col(v) for k, v in self.chosen.items()})
    read = 0
    for frame in formats.batches(self.path, wanted):
      plain = [_plain(self.path, k, column, frame.schema[k]) for k, column in self.chosen.items()]
      read += len(frame)
      if len(frame):
        yield Part(self.table, self.path, frame.with_columns(plain))
    if not read:
      raise DataError(f"{self.path}: holds no rows; export it again, or leave the table out of the config")

  def part(self) -> Part:
    """All its records at once. Raises as `batches` does."""
    return Part(self.table, self.path, pl.concat(batch.frame for batch in self.batches()))


def piece(name: str, i: int) -> str:
  """Name of the i-th of several columns that are joined to the contract's column `name`."""
  return f"{name}/{i}"


def sources(table: str, spec: settings.Table) -> list[Source]:
  """The files of one table in the order given, and which of their columns are read.

  Columns that `spec.columns` does not map are looked for under their contract name (the text of products
  under "text", then "title"). `timestamp: []` says that the rows have no time; it is never guessed, since a
  misspelt column would cost the log its order. Of several product files each holds the product id, and any other column is
  taken from the first file that has it. Blank lines are no records.

  Raises:
    ConfigError: the mapping names something that is not a column of the contract.
    DataError: a file is missing, empty or of an unknown kind, or lacks a column.
  """
  _check_mapping(table, spec)
  paths = [_checked_path(table, path) for path in spec.path]
  columns = [formats.columns_of(path) for path in paths]
  found: list[Source] = []
  for path, have in zip(paths, columns):
    seen = {name for source in found for name in source.chosen} - {"product_id"}
    chosen = {}  # name in the part -> the user's column
    for name, candidates, needed in _wanted(table, spec):
      column = next((c for c in candidates if c in have), None)
      anywhere = table == "products" and name != "product_id"
      if column is None and needed and not (anywhere and any(c in h for c in candidates for h in columns)):
        _raise_missing(
          table, name, candidates[0], paths if anywhere else [path], columns if anywhere else [have]
        )
      if column is not None and not (anywhere and name in seen):
        chosen[name] = column
    found.append(Source(table, path, chosen))
  return found


def _wanted(table: str, spec: settings.Table) -> list[tuple[str, tuple[str, ...], bool]]:
  """Per column: its name in a part, the user's columns it may be, and whether there must be one."""
  contract = CONTRACTS[table]
  wanted = []
  for name in (*contract.required, *contract.optional):
    theirs = spec.columns.get(name)
    if theirs is None:
      wanted.append((name, contract.fallback.get(name, (name,)), name in contract.required))
    elif len(theirs) == 1:
      wanted.append((name, theirs, True))
    else:
      wanted += [(piece(name, i), (their,), True) for i, their in enumerate(theirs)]
  return wanted


def _check_mapping(table: str, spec: settings.Table) -> None:
  known = (*CONTRACTS[table].required, *CONTRACTS[table].optional)
  for name, theirs in spec.columns.items():
    where = f"data.{table}.columns.{name}"
    if name not in known:
      raise ConfigError(
        fault(where, "is not a column of the contract", name, "use one of: " + ", ".join(known))
      )
    if (not theirs and name != TIME) or (len(theirs) > 1 and name not in JOINED):
      raise ConfigError(fault(where, "must name one column", list(theirs), "give its name in your file"))


def _checked_path(table: str, path: str) -> pathlib.Path:
  where = f"data.{table}.path"
  found = pathlib.Path(path)
  if not formats.kind(found):
    raise DataError(fault(where, "must end in one of " + ", ".join(formats.KINDS), path, "convert the file"))
  if not found.is_file():
    raise DataError(fault(where, "must name a file that exists", path, "check the path and its spelling"))
  if found.stat().st_size == 0:
    raise DataError(fault(where, "must name a file with rows", f"{path} (0 bytes)", "export it again"))
  return found


def _raise_missing(
  table: str, name: str, column: str, paths: list[pathlib.Path], columns: list[list[str]]
) -> None:
  have = [c for names in columns for c in names]
  close = difflib.get_close_matches(column, have, n=1, cutoff=0.6)
  hint = f"did you mean {close[0]!r}? " if close else ""
  name = name.split("/")[0]
  timeless = ", or say that there are no times with `timestamp: []`" if name == TIME else ""
  raise DataError(
    f"{', '.join(map(str, paths))}: column {column!r} for {table}.{name} is not there; {hint}"
    f"map it with data.{table}.columns.{name}{timeless}; the columns are: {', '.join(have)}"
  )


def _plain(path: pathlib.Path, name: str, column: str, dtype: pl.DataType) -> pl.Expr:
  """The column as strings; times and numbers of a typed file stay as they are, for the checks to judge."""
  base, value = name.split("/")[0], pl.col(name)
  if base in JOINED and dtype == pl.List(pl.String):
    separator = shop.CATEGORY_SEPARATOR if base == "category" else " "
    return value.list.eval(pl.element().str.strip_chars()).list.join(separator)
  if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
    raise DataError(f"{path}: column {column!r} must hold plain values, got {dtype}; export it as text")
  if base == "timestamp" and (dtype.is_numeric() or dtype in (pl.Datetime, pl.Date)):
    return value
  if base in ("price", "quantity") and dtype.is_numeric():
    return (
      value.fill_nan(None) if dtype.is_float() else value
    )  # NaN is how some writers spell a missing value
  if dtype.is_float():
    return _whole(value).alias(name)
  return value.cast(pl.String)


def _whole(value: pl.Expr) -> pl.Expr:
  """An id that went through a column of floats: 12.0 is product "12"."""
  whole = (value == value.floor()) & (value.abs() < 2**53)
  as_int = value.cast(pl.Int64, strict=False).cast(pl.String)
  return pl.when(whole).then(as_int).when(value.is_not_nan()).then(value.cast(pl.String))
