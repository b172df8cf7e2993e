"""`tfrec-combo doctor`: what of the stack is right, and the command that mends what is not."""

import dataclasses
import functools

from tfrec_combo.base.errors import StackError
from tfrec_combo.cli.output import Answer


def doctor() -> Answer:
  """Check versions, op libraries, BERT preset and devices; say the command that mends each fault. Exits 5 where there is one.

  Example: tfrec-combo doctor
  """
  from tfrec_combo.base import stack

  findings = stack.check()
  faults = sum(not f.ok for f in findings)
  value = [dataclasses.asdict(f) for f in findings]
  return Answer(value, functools.partial(_show, findings, faults), StackError.exit_code if faults else 0)


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
