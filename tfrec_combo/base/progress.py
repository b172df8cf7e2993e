"""A bar with an estimate for every step that may take over 5 seconds."""

import contextlib
import importlib.util
import logging
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
  BarColumn,
  MofNCompleteColumn,
  Progress,
  TextColumn,
  TimeElapsedColumn,
  TimeRemainingColumn,
)

Update = Callable[[int, int], None]


@contextlib.contextmanager
def bar(label: str) -> Iterator[Update]:
  """Yields `update(done, total)` for one step, drawn on stderr; where that is no terminal only the end is printed.

  Nothing is drawn where the package's log is set to errors alone.
  """
  # In a notebook rich draws with ipywidgets; without them it would warn each time and draw nothing.
  in_notebook = None if importlib.util.find_spec("ipywidgets") else False
  columns = (
    TextColumn("{task.description:<28}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TextColumn("left"),
    TimeRemainingColumn(),
  )
  quiet = logging.getLogger("tfrec_combo").level >= logging.ERROR
  with Progress(*columns, console=Console(stderr=True, force_jupyter=in_notebook), disable=quiet) as progress:
    task = progress.add_task(label, total=None)
    yield lambda done, total: progress.update(task, completed=done, total=total)
