"""`tfrec-combo reindex`: a new version over the products of today, without training."""

import pathlib
from typing import Annotated

import typer

from tfrec_combo.base.laps import Laps
from tfrec_combo.cli.options import ConfigOption, SetOption, read_config
from tfrec_combo.cli.output import Answer, versions


def reindex(
  products: Annotated[
    pathlib.Path, typer.Option(metavar="FILE", help="Products of today: CSV, JSONL or Parquet.")
  ],
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  update: Annotated[
    bool, typer.Option("--update", help="FILE holds only what changed; without it, all there is.")
  ] = False,
  least_overlap: Annotated[
    float, typer.Option(min=0, max=1, help="Share of the old version's answers that the new one must keep.")
  ] = 0.8,
) -> Answer:
  """New and withdrawn products, prices and stock (column in_stock) in a new version, from the trained model as it is.

  Example: tfrec-combo reindex --config my_shop.yaml --products products_today.csv
  """
  from tfrec_combo.cli import reindexing

  laps = Laps()
  found = reindexing.reindex(read_config(config, overrides), products, update, least_overlap, laps)
  return versions(found, laps)
