"""The catalogue as arrays."""

import numpy as np
import polars as pl

from tfrec_combo.towers.catalogue import from_frame


def test_paths_prices_and_counts_of_a_frame():
  frame = pl.DataFrame(
    {
      "product_id": ["a", "b", "c", "d"],
      "text": ["x", "", "y", "z"],
      "category": ["Food > Ice > Crushed > Blue", "", "Food > Ice", "Toys"],
      "price": pl.Series([1.5, None, float("nan"), 2.0], dtype=pl.Float32),
      "orders": pl.Series([4, 3, 2, 1], dtype=pl.Int64),
      "train_orders": pl.Series([2, 0, 1, 0], dtype=pl.Int64),
    }
  )
  made = from_frame(frame)
  assert len(made) == 4
  assert made.ids == ["a", "b", "c", "d"]
  paths = [[made.category_names[n] for n in row] for row in made.categories]
  assert paths == [
    ["Food", "Food > Ice", "Food > Ice > Crushed"],
    ["", "", ""],
    ["Food", "Food > Ice", ""],
    ["Toys", "", ""],
  ]
  # The ranker reads the deepest part as the largest number of a row.
  assert [made.category_names[n] for n in made.categories.max(axis=1)] == [
    "Food > Ice > Crushed", "", "Food > Ice", "Toys"
  ]  # fmt: skip
  np.testing.assert_array_equal(made.prices, np.float32([1.5, 0, 0, 2]))
  np.testing.assert_array_equal(made.orders, np.float32([4, 3, 2, 1]))
  np.testing.assert_array_equal(made.train_orders, np.float32([2, 0, 1, 0]))
