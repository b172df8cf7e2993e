"""Read the catalogue back."""

import os

import numpy as np
import polars as pl

from tfrec_combo.base.schema import PRODUCT
from tfrec_combo.base.stack import tf
from tfrec_combo.pipeline import files
from tfrec_combo.records.codec import parse_spec

_BATCH = 4096  # records parsed at a time
_POLARS = {"string": pl.String, "int32": pl.Int32, "int64": pl.Int64, "float32": pl.Float32}


def catalogue(folder: str | os.PathLike[str]) -> pl.DataFrame:
  """The products in row order, as `Decisions.catalogue`: row i is product i of any batch."""
  spec = parse_spec(PRODUCT)
  records = tf.data.TFRecordDataset(files.shards(folder, "products")).batch(_BATCH)
  parts = list(records.map(lambda batch: tf.io.parse_example(batch, spec)).as_numpy_iterator())
  columns = {f.name: np.concatenate([part[f.name] for part in parts]) for f in PRODUCT}
  order = np.argsort(columns.pop("row"))
  table = {}
  for feature in PRODUCT:
    if feature.name in columns:
      values = columns[feature.name][order].tolist()
      texts = [value.decode() for value in values] if feature.dtype == "string" else values
      table[feature.name] = pl.Series(texts, dtype=_POLARS[feature.dtype])
  return pl.DataFrame(table).with_columns(pl.col("price").fill_nan(None))
