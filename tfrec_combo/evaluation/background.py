"""What the metrics beyond accuracy are told of a shop and of those who are asked about."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tfrec_combo.logs.decisions import Decision
from tfrec_combo.logs.shop import CATEGORY_SEPARATOR
from tfrec_combo.metrics.beyond_accuracy import Known

LEVELS = (
  2  # of a category path: an aisle; one is too coarse to tell lists apart, three hold a few products each
)


def known(requests: Sequence[Decision], catalogue: pl.DataFrame, vectors: np.ndarray | None = None) -> Known:
  """What is known of the Q requests and the N products of `catalogue` (orders, and category where there is one).

  vectors: [N, W] texts, zero where there is none.
  """
  return Known(
    catalogue["orders"].to_numpy(),
    groups(catalogue, LEVELS)[0],
    vectors,
    [np.asarray(r.history, np.int64) for r in requests],
  )


def groups(catalogue: pl.DataFrame, levels: int) -> tuple[np.ndarray, list[str]]:
  """The first `levels` of each product's category as a number, [N] int, -1 where it has none, and their names by number."""
  if "category" not in catalogue.columns:
    return np.full(catalogue.height, -1), []
  paths = catalogue["category"].fill_null("").str.split(CATEGORY_SEPARATOR).list.head(levels)
  names, of = np.unique(paths.list.join(CATEGORY_SEPARATOR).to_numpy().astype(object), return_inverse=True)
  of = np.where(names[of] == "", -1, of) if len(names) else of
  return of, names.tolist()
