"""The synthetic shop as merchandising sees it: its orders in three parts by time, and what goes with what in rows."""

import functools
import itertools

import numpy as np
import polars as pl

from tests.evaluation.made import table
from tfrec_combo.logs.sources import synthetic
from tfrec_combo.merchandising.proposal import Log

PARTS = (0.6, 0.85)  # shares of the orders at which later and held-out ones begin


@functools.cache
def shop():
  """(log, products, truth by row: complements, substitutes)."""
  world, right = synthetic.synthetic(0), synthetic.truth(0)
  products = world.products
  at = {product: row for row, product in enumerate(products["product_id"])}
  orders = world.events.group_by("order_id", maintain_order=True).agg(
    pl.col("product_id").unique(maintain_order=True)
  )
  rows = [[at[i] for i in ids] for ids in orders["product_id"]]
  ends = [0, *(int(share * len(rows)) for share in PARTS), len(rows)]
  parts = [table(rows[a:b], len(at)) for a, b in itertools.pairwise(ends)]
  by_row = lambda of: {at[i]: {at[j] for j in others} for i, others in of.items()}
  return Log(*parts), products, by_row(right.complements), by_row(right.substitutes)


def catalogue(count, categories=None, texts=None, price=1.0):
  """Products by hand, p0 and so on."""
  return pl.DataFrame(
    {
      "product_id": [f"p{i}" for i in range(count)],
      "text": texts or [f"thing number {i}" for i in range(count)],
      "category": categories or [f"Shop > Kind {i}" for i in range(count)],
      "price": np.full(count, price, np.float32),
    }
  )
