"""`tfrec-combo bundles`: a list of bundles for merchandisers."""

import functools
import pathlib
from typing import Annotated

import typer

from tfrec_combo.cli.options import ConfigOption, SetOption, read_config
from tfrec_combo.cli.output import Answer


def bundles(
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  model: Annotated[
    str | None, typer.Option(metavar="FOLDER", help="A model's folder, whose sets are proposed, too.")
  ] = None,
  out: Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Where the list lands; none: in the run's folder.")
  ] = None,
  count: Annotated[int, typer.Option(help="Bundles in the list.")] = 30,
  size_min: Annotated[int, typer.Option(help="Products in the smallest bundle.")] = 2,
  size_max: Annotated[int, typer.Option(help="Products in the largest bundle.")] = 4,
  min_orders: Annotated[int, typer.Option(help="Orders that must hold any two products of a bundle.")] = 5,
  min_lift: Annotated[
    float, typer.Option(help="Orders that must hold a proposed bundle, over those that chance would give.")
  ] = 1.5,
  overlap: Annotated[
    float, typer.Option(help="Share of products that two bundles may have in common, of the smaller one's.")
  ] = 0.5,
  per_product: Annotated[int, typer.Option(help="Bundles that one product may be in.")] = 3,
  one_per_category: Annotated[
    int,
    typer.Option(
      metavar="DEPTH", help="Levels of the category path that may not repeat in a bundle; 0: any may."
    ),
  ] = 99,
  seeds: Annotated[int, typer.Option(help="Products, the most bought, that the model makes sets for.")] = 500,
  accept: Annotated[str | None, typer.Option(metavar="FILE", help="Bundles that stay in the list.")] = None,
  ban: Annotated[
    str | None, typer.Option(metavar="FILE", help="Products, or sets of products, that no bundle may hold.")
  ] = None,
  pin: Annotated[
    str | None, typer.Option(metavar="FILE", help="Products, or sets of products, that a bundle must hold.")
  ] = None,
) -> Answer:
  """Propose bundles from the orders of a prepared run, with their support, lift, price and expected take-up.

  The files of --accept, --ban and --pin hold an entry a line: product ids with commas between them, as in the column
  "products" of the list.

  Example: tfrec-combo bundles --config my_shop.yaml --model saved_models/my_shop --ban banned.txt
  """
  from tfrec_combo.cli import proposals
  from tfrec_combo.cli.scores import show_bundles
  from tfrec_combo.merchandising.choose import Limits

  found, folder = proposals.bundles(
    read_config(config, overrides),
    pathlib.Path(out) if out else None,
    pathlib.Path(model) if model else None,
    Limits(count, overlap, per_product),
    (size_min, size_max),
    min_orders,
    min_lift,
    one_per_category,
    seeds,
    (accept, ban, pin),
  )
  value = {
    "bundles": found.table.to_dicts(),
    "page": str(folder / "bundles.html"),
    "unmet_pins": len(found.unmet),
  }
  return Answer(value, functools.partial(show_bundles, found, folder))
