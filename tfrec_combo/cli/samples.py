"""Requests that show what a freshly exported model can do."""

import statistics

import polars as pl

from tfrec_combo.base import config as c
from tfrec_combo.cli.held_out import drawn
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.towers.catalogue import spoken
from tfrec_combo.training.assemble import Run


def sample_requests(config: c.Config) -> list[list[str]]:
  """Options of `recommend` for one held-out shopper: products for the basket, a set for it, and a set within a budget."""
  run = Run(config)
  products = catalogue(run.records)
  ids = products["product_id"].to_list()
  leaf = lambda row: products["category"][row]
  # A basket of a few different things shows more than one of a kind.
  telling = (
    d for d in drawn(run) if 3 <= len(d.basket) <= 4 and len({leaf(r) for r in d.basket.tolist()}) > 2
  )
  asked = next(telling, drawn(run)[0])
  lines = zip(asked.history[:40].tolist(), asked.history_days[:40].tolist())
  past = ",".join(f"{ids[row]}:{days:.1f}" for row, days in lines)
  given = ",".join(ids[row] for row in asked.basket[:4].tolist())
  request = [*(["--history", past] if past else []), *(["--basket", given] if given else [])]
  size = ["--combine", "--size", str(min(3, config.combine.size))]
  words = "breakfast" if config.data.source == "complete_journey" else _popular_category(products)
  return [
    [*request, "-k", str(min(5, config.export.k))],
    [*request, *size],
    *([["--query", words, *size, *_budget(products)]] if words else []),
  ]


def _popular_category(products: pl.DataFrame) -> str:
  return spoken(products.sort("orders", descending=True)["category"][0])


def _budget(products: pl.DataFrame) -> list[str]:
  """Room for three products of some more than the usual price."""
  prices = products["price"].drop_nulls().to_list()
  room = round(4 * statistics.median(prices)) if prices else 0
  return ["--budget", str(room)] if room else []
