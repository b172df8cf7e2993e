"""`tfrec-combo synthesize`: a shop of any size, to size a machine by before the own log is ready."""

import functools
import pathlib
from typing import Annotated

import typer

from tfrec_combo.cli.output import Answer


def synthesize(
  out: Annotated[pathlib.Path, typer.Option(metavar="FOLDER", help="Where the files land.")],
  products: Annotated[int, typer.Option(min=8, help="Products of the catalogue.")] = 1_000_000,
  lines: Annotated[int, typer.Option(min=1, help="Order lines.")] = 10_000_000,
  shoppers: Annotated[int | None, typer.Option(min=1, help="Shoppers; none: one for 20 lines.")] = None,
  days: Annotated[int, typer.Option(min=1, help="Days from the first order to the last.")] = 730,
  seed: Annotated[int, typer.Option(min=0, help="Another gives another shop.")] = 0,
  csv: Annotated[bool, typer.Option("--csv", help="Write CSV instead of Parquet.")] = False,
  force: Annotated[bool, typer.Option("--force", help="Replace a folder that is there.")] = False,
) -> Answer:
  """Write a synthetic shop of any size: heavy-tailed products and shoppers, seasons, repeats, things bought together.

  Example: tfrec-combo synthesize --products 1000000 --lines 10000000 --out big_shop
  """
  from tfrec_combo.base.errors import DataError, fault
  from tfrec_combo.base.progress import bar
  from tfrec_combo.logs import large, large_files

  if out.exists() and not force:
    raise DataError(fault("--out", "must be a new folder", str(out), "name another, or add --force"))
  size = large.Size(products, lines, shoppers or max(1, lines // 20), days)
  with bar("write order lines") as update:
    config = large_files.write(large.World(size, seed), out, "csv" if csv else "parquet", update)
  line = f"written to {out}; now: tfrec-combo prepare --config {config}"
  return Answer({"folder": str(out), "config": str(config)}, functools.partial(typer.echo, line))
