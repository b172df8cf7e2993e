"""`tfrec-combo report`: what is known of a run as one page, or several runs side by side."""

import functools
import pathlib
from typing import Annotated

import typer

from tfrec_combo.cli.output import Answer


def report(
  runs: Annotated[
    list[pathlib.Path],
    typer.Argument(
      metavar="RUN...", help="Folders of runs, such as runs/my_shop; the first is compared with."
    ),
  ],
  out: Annotated[
    pathlib.Path | None,
    typer.Option(metavar="FILE", help="The page, .html; none: in the run's folder, or beside the first run."),
  ] = None,
) -> Answer:
  """Write one self-contained page of a run, evaluated or not; of several, what differs between them.

  Runs that were asked the same requests are compared request by request.

  Example: tfrec-combo report runs/my_shop

  Example: tfrec-combo report runs/my_shop runs/my_shop_wide --out wide.html
  """
  from tfrec_combo.cli import reporting
  from tfrec_combo.cli.scores import show_comparison

  found = reporting.write(runs, out)
  value = {
    "page": str(found.page),
    "runs": found.runs,
    "systems": found.side.get("systems", {}),
    "deltas": found.deltas,
  }
  return Answer(value, functools.partial(show_comparison, found))
