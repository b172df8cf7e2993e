"""A products table for a model that is trained already: new products, prices, stock."""

import pathlib

import polars as pl

from tfrec_combo.base import settings
from tfrec_combo.base.config import Config
from tfrec_combo.base.errors import DataError
from tfrec_combo.logs import checks, parsing, readers
from tfrec_combo.logs.faults import FaultReport

COLUMNS = {
  "product_id": pl.String,
  "text": pl.String,
  "category": pl.String,
  "price": pl.Float32,
  "in_stock": pl.Boolean,
}


def read(path: pathlib.Path, config: Config) -> pl.DataFrame:
  """The rows of one file, COLUMNS each; null where a column is not in the file or a cell is empty.

  Columns are mapped as `data.products.columns` says as far as the file has them, else found by their contract names: a feed
  of prices need not carry the texts.

  Raises:
    DataError: the file cannot be read, or a row breaks a rule; every fault is told.
  """
  source = readers.sources("products", settings.Table(path=(str(path),), columns=_mapped(path, config)))[0]
  report = FaultReport(config.data.max_faults)
  rows = checks.check(source.part(), {}, report)
  if report:
    raise DataError(report.message())
  names = [pl.Series(rows["product_id"])]
  for name, join in (("text", parsing.text), ("category", parsing.category_path)):
    pieces = [rows[c] for c in rows.columns if c == name or c.startswith(f"{name}/")]
    if pieces:
      joined = join(pieces)
      names.append(joined.set(joined == "", None).alias(name) if len(joined) else joined.alias(name))
  names += [rows[name] for name in ("price", "in_stock") if name in rows.columns]
  frame = pl.DataFrame(names)
  missing = [
    pl.lit(None, dtype=kind).alias(name) for name, kind in COLUMNS.items() if name not in frame.columns
  ]
  return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def _mapped(path: pathlib.Path, config: Config) -> dict[str, tuple[str, ...]]:
  table = config.data.products
  if table is None:
    return {}
  have = set(readers.formats.columns_of(pathlib.Path(path)) if pathlib.Path(path).is_file() else ())
  return {name: theirs for name, theirs in table.columns.items() if set(theirs) <= have}
