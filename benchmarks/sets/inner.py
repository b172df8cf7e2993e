"""Inner problems, to choose settings on: protocol folders made of nothing but what a protocol folder lets learn from."""

import datetime
import json
import pathlib
import shutil
from collections.abc import Iterable

import numpy as np
import polars as pl

from benchmarks.quality.bundlerec import BUNDLES
from benchmarks.quality.problem import lines
from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.files import written_aside

HISTORY, LEAST, MOST = 512, 4, 4000  # as the protocol has them: lines, products of a basket, queries
DAY = datetime.timedelta(days=1)


def bundlerec(folder: pathlib.Path, out: pathlib.Path, share: float = 0.2, seed: int = 0) -> int:
  """Holds back a share of the training bundles, drawn with `seed`, one product of each left out; the number of queries."""
  bundles = list(lines(folder / BUNDLES))
  rng = np.random.default_rng(seed)
  chosen = np.sort(rng.permutation(len(bundles))[: int(share * len(bundles))])
  left = [int(rng.integers(len(bundles[i]["products"]))) for i in chosen]
  out.mkdir(parents=True, exist_ok=True)
  for name in ("item_titles.csv", "item_categories.csv"):
    shutil.copyfile(folder / name, out / name)
  _write(out / BUNDLES, (b for i, b in enumerate(bundles) if i not in set(chosen.tolist())))
  asked = [(bundles[i], place) for i, place in zip(chosen, left)]
  _write(
    out / "queries.jsonl",
    (
      {
        "query_id": b["bundle_id"],
        "basket": b["products"][:place] + b["products"][place + 1 :],
        "query": b["intent"],
      }
      for b, place in asked
    ),
  )
  _write(
    out / "truth.jsonl",
    ({"query_id": b["bundle_id"], "targets": [b["products"][place]]} for b, place in asked),
  )
  return len(asked)


def complete_journey(folder: pathlib.Path, out: pathlib.Path, days: int = 30, seed: int = 0) -> int:
  """Asks about the baskets of the last `days` as the protocol does of those after them; the number of queries.

  The newest whole day is the last one. Query: at least 4 products, by a household known before; a random half is given.

  Raises:
    DataError: the events are of fewer days.
  """
  events = pl.read_parquet(folder / "events.parquet")
  at = pl.col("transaction_timestamp")
  last = events["transaction_timestamp"].max()
  start = datetime.datetime.combine(last.date(), datetime.time()) + DAY - days * DAY
  past = events.filter(at < start)
  if past.is_empty():
    raise DataError(fault("--days", "must leave something to learn from", days, "hold back fewer"))
  rng = np.random.default_rng(seed)
  newest = past.sort("transaction_timestamp", descending=True, maintain_order=True).with_columns(
    days_ago=((pl.lit(start) - at).dt.total_seconds(fractional=True) / 86400).round(2)
  )
  histories = newest.group_by("household_id").agg(pl.col("product_id", "days_ago").head(HISTORY))
  known = {user: (ids, ago) for user, ids, ago in histories.iter_rows()}
  later = events.filter((at >= start) & pl.col("household_id").is_in(known))
  whole = later.sort("basket_id", "product_id").group_by("basket_id", "household_id", maintain_order=True)
  baskets = [
    (user, ids)
    for _, user, ids in whole.agg(pl.col("product_id").unique(maintain_order=True)).iter_rows()
    if len(ids) >= LEAST
  ]
  drawn = np.sort(rng.permutation(len(baskets))[:MOST])
  out.mkdir(parents=True, exist_ok=True)
  shutil.copyfile(folder / "products.parquet", out / "products.parquet")
  past.sort("transaction_timestamp", maintain_order=True).write_parquet(out / "events.parquet")
  queries, truth = [], []
  for number, row in enumerate(drawn):
    user, ids = baskets[row]
    mixed = [str(i) for i in rng.permutation(ids)]
    history = [{"product_id": str(i), "days_ago": ago} for i, ago in zip(*known[user])]
    given, targets = mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]
    queries.append({"query_id": str(number), "user_id": str(user), "history": history, "basket": given})
    truth.append({"query_id": str(number), "targets": targets})
  _write(out / "queries.jsonl", queries)
  _write(out / "truth.jsonl", truth)
  return len(queries)


def _write(path: pathlib.Path, rows: Iterable[dict]) -> None:
  with written_aside(path) as aside, open(aside, "w", encoding="utf-8") as f:
    f.writelines(json.dumps(row) + "\n" for row in rows)
