"""`tfrec-combo init`: looks at tables and proposes the config for them."""

import functools
import pathlib
from typing import Annotated

import typer

from tfrec_combo.cli.output import Answer


def init(
  files: Annotated[
    list[pathlib.Path],
    typer.Argument(metavar="FILE...", help="Your catalogue and order lines, in any order."),
  ],
  out: Annotated[pathlib.Path, typer.Option(metavar="FILE", help="Where the config lands.")] = pathlib.Path(
    "my_shop.yaml"
  ),
  name: Annotated[str | None, typer.Option(help="Of the shop; none: that of the config's file.")] = None,
  force: Annotated[bool, typer.Option("--force", help="Replace a config that is there.")] = False,
) -> Answer:
  """Look at your files, CSV, JSONL or Parquet, and write a commented config for them: which is which is guessed.

  Order lines whose shopper and time stand in a second table are joined with it, to a file beside the config.

  Example: tfrec-combo init products.csv orders_2023.csv orders_2024.csv --out my_shop.yaml
  """
  from tfrec_combo.base.errors import DataError, fault
  from tfrec_combo.base.files import written_aside
  from tfrec_combo.logs import columns, proposal, proposed_config

  if out.exists() and not force:
    raise DataError(fault("--out", "must be a new file", str(out), "name another, or add --force"))
  found = proposal.propose([columns.look(path) for path in files])
  joined = None
  if found.joined:
    joined = proposed_config.join(found.joined, out.parent / f"{out.stem}_events.parquet")
  text = proposed_config.text(found, name or out.stem, out.parent, joined)
  with written_aside(out) as aside:
    aside.write_text(text, encoding="utf-8")
  value = {"config": str(out), "joined": None if joined is None else str(joined), "text": text}
  lines = [f"order lines and their orders, joined: {joined}"] if joined else []
  lines += [text, f"written to {out}; look it over, then: tfrec-combo prepare --config {out}"]
  return Answer(value, functools.partial(typer.echo, "\n".join(lines)))
