"""`tfrec-combo doctor`: what of the stack is right, and the command that mends what is not."""

import dataclasses
import json
from typing import Annotated

import typer


def doctor(
  as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
  """Check versions, op libraries, BERT preset and devices; say the command that mends each fault.

  Example: tfrec-combo doctor
  """
  from tfrec_combo.base import stack

  findings = stack.check()
  faults = sum(not f.ok for f in findings)
  if as_json:
    print(json.dumps([dataclasses.asdict(f) for f in findings], indent=2))
  else:
    _show(findings, faults)
  if faults:
    raise typer.Exit(1)


def _show(findings: list, faults: int) -> None:
  from rich.console import Console
  from rich.table import Table

  table = Table(title="tfrec-combo doctor")
  for header in ("what", "found", "wanted", ""):
    table.add_column(header, overflow="fold")
  for f in findings:
    table.add_row(f.what, f.found, f.wanted, "[green]ok[/]" if f.ok else "[red]FAULT[/]")
  console = Console()
  console.print(table)
  for f in findings:
    if not f.ok:
      # Commands are printed outside the table and unwrapped, so that they can be copied.
      console.print(f"{f.what}: {f.mend}", soft_wrap=True, markup=False, highlight=False)
  summary = f"{faults} fault{'s' if faults > 1 else ''}" if faults else "everything is right"
  console.print(summary, highlight=False)
