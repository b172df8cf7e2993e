"""`tfrec-combo inspect`: what a SavedModel is, and which server can load it."""

import functools
from typing import Annotated, Any

import typer

from tfrec_combo.base.errors import ModelError
from tfrec_combo.cli.output import Answer


def inspect(
  folder: Annotated[str, typer.Argument(metavar="DIR", help="A SavedModel, or a folder of versions.")],
  whole: Annotated[
    bool, typer.Option("--verify", help="Read every file and hold it against the manifest's checksums.")
  ] = False,
) -> Answer:
  """Read any SavedModel, whoever made it: servers, signatures, size, index, manifest. Exits 4 where a check fails.

  Example: tfrec-combo inspect saved_models/my_shop
  """
  from tfrec_combo.serving.inspect import inspect as look

  found = look(folder, whole)
  return Answer(found.as_dict(), functools.partial(_show, found), ModelError.exit_code if found.faults else 0)


def _show(found: Any) -> None:
  from rich.console import Console
  from rich.table import Table

  console = Console()
  say = lambda line: console.print(line, soft_wrap=True, markup=False, highlight=False)
  say(found.folder)
  table = Table(title="which server can serve it")
  for header in ("server", "", "what it lacks"):
    table.add_column(header, overflow="fold")
  for server, lacking in found.servers.items():
    table.add_row(server, "[red]no[/]" if lacking else "[green]yes[/]", ", ".join(lacking))
  console.print(table)
  for name, sides in found.signatures.items():
    say(f"\n{name}")
    for side, arrow in (("inputs", "<-"), ("outputs", "->")):
      for tensor, words in sides[side].items():
        say(f"  {arrow} {tensor}: {words}")
  told = found.manifest
  say("")
  if told is None:
    say("no manifest: another tool wrote it")
  else:
    say(
      f"format {told['format']}, written by tfrec-combo {told.get('tfrec_combo')}, {told.get('products'):,} products"
    )
    if "index" in told:
      say(f"flavour {told['flavour']}, index: " + ", ".join(f"{k} {v}" for k, v in told["index"].items()))
  say("warm-up requests: " + ("yes" if found.warmed_up else "none, so a missing op shows at a request"))
  say("size: " + ", ".join(f"{part} {size / 1e6:,.1f} MB" for part, size in found.size.items()))
  for fault in found.faults:
    say(f"FAULT: {fault}")
