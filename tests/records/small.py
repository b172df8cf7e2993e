"""A small shop's decisions by hand: known products, growing histories, some prices unknown."""

import numpy as np
import polars as pl

from tfrec_combo.logs.decisions import Decisions

DAY = 86_400_000_000  # microseconds


def decisions(
  sizes: dict[str, int],
  products: int = 30,
  largest: int = 6,
  max_history: int = 512,
  lines: int = 40,
  users: int = 3,
) -> Decisions:
  """`sizes` orders of each split, `lines` history lines a user; order i of a split is `<split>-<i>`."""
  rng = np.random.default_rng(7)
  catalogue = pl.DataFrame(
    {
      "product_id": [f"p{i}" for i in range(products)],
      "text": [f"Zelt für {i} 🏕 テント" for i in range(products)],
      "category": ["Outdoor > Camping" if i % 2 else "" for i in range(products)],
      "price": pl.Series([None if i % 5 == 0 else i + 0.99 for i in range(products)], dtype=pl.Float32),
      "orders": pl.Series([i * 2 for i in range(products)], dtype=pl.Int64),
      "train_orders": pl.Series(list(range(products)), dtype=pl.Int64),
    }
  )
  rows = []
  for split, size in sizes.items():
    for i in range(size):
      user = int(rng.integers(users))
      cut = user * lines + int(rng.integers(lines + 1))  # user * lines: the first order, without a history
      order = rng.permutation(products)[: rng.integers(1, largest + 1)].tolist()
      at = int(rng.integers(len(order)))
      rows.append(
        {
          "order_id": f"{split}-{i}",
          "user_id": f"secret-user-{user}",
          "split": split,
          "context": "store 7" if i % 2 else "",
          "query": "" if i % 3 else f"zelt für {i}",
          "basket": order[:at],
          "target": order[at:],
          "cut": cut,
          "start": user * lines,
          "as_of_us": (lines + 1) * DAY,
        }
      )
  schema = {"basket": pl.List(pl.Int32), "target": pl.List(pl.Int32)}
  return Decisions(
    catalogue=catalogue,
    orders=pl.DataFrame(rows, schema_overrides=schema),
    line_products=rng.integers(0, products, users * lines).astype(np.int32),
    line_times=np.concatenate([np.arange(lines) * DAY] * users),
    max_history=max_history,
  )
