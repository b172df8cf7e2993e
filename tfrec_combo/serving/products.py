"""Names of products for people to read, from the table the exporter puts beside the model."""

import pathlib
from collections.abc import Collection

import polars as pl

from tfrec_combo.base.errors import ModelError

TABLE = "assets.extra/products.parquet"  # product_id, text, category, price


def texts(folder: pathlib.Path, ids: Collection[str]) -> dict[str, str] | None:
  """The text of each of `ids` that the catalogue knows, from a version folder; None where it has no such table.

  Raises:
    ModelError: the table cannot be read.
  """
  path = pathlib.Path(folder) / TABLE
  if not path.is_file():
    return None
  wanted = pl.Series("product_id", sorted(ids), pl.String)
  try:
    # Read lazily: a catalogue of millions costs the rows that are shown.
    known = pl.scan_parquet(path).filter(pl.col("product_id").is_in(wanted.implode()))
    rows = known.select("product_id", pl.col("text").fill_null("")).collect().rows()
  except (pl.exceptions.PolarsError, OSError) as e:
    reason = " ".join(str(e).split())[:200]
    raise ModelError(
      f"{path} cannot be read: {reason}; delete it to go without names, or export again"
    ) from e
  return dict(rows)
