"""The shop that training is measured on: Complete Journey, or with `quick` the orders of a few households."""

import pathlib

import polars as pl

from tfrec_combo.base import config as c
from tfrec_combo.cli import stages
from tfrec_combo.logs.sources import complete_journey
from tfrec_combo.training.assemble import Run

HOUSEHOLDS = 250  # of 2,469


def run(work: pathlib.Path, quick: bool, **sections: object) -> Run:
  """Records of the shop, made once a folder; `sections` of the config overrule."""
  tables = work / f"tables-{'quick' if quick else 'full'}"
  products, events = tables / "products.parquet", tables / "events.parquet"
  if not events.is_file():
    tables.mkdir(parents=True, exist_ok=True)
    shop = complete_journey.read(c.parse({}))
    lines = shop.events
    if quick:
      some = lines["user_id"].unique().sort().sample(HOUSEHOLDS, seed=0)
      lines = lines.filter(pl.col("user_id").is_in(some.implode()))
    sold = lines.select("product_id").unique()
    shop.products.join(sold, on="product_id", how="semi", maintain_order="left").write_parquet(products)
    lines.write_parquet(events)
  data = {
    "source": "tables",
    "products": {"path": str(products), "columns": {"text": "text"}},
    "events": {"path": str(events)},
  }
  found = c.parse({"name": tables.name, "runs": str(work / "runs"), "data": data, **sections})
  stages.prepare(found)
  return Run(found)
