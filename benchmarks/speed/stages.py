"""The stages in the order of the line, each a module beside this one with `measure(work, quick) -> list[Row]`."""

import importlib
import pathlib
from collections.abc import Callable

from benchmarks.speed.rows import Row

# Name on the command line -> module.
STAGES = {
  "reading": "reading",
  "records": "records",
  "input": "input_pipeline",
  "prepare": "prepare",
  "encode": "encode",
  "training": "training",
  "finetune": "finetune",
  "precision": "precision",
  "evaluation": "evaluation",
  "index": "index",
  "export": "export",
  "load": "load",
  "request": "request",
}


def stage(name: str) -> Callable[[pathlib.Path, bool], list[Row]]:
  """The `measure` of a stage.

  Its first argument is a folder for all that it makes, kept for the next run; the second asks for the same over less data.
  """
  return importlib.import_module(f"benchmarks.speed.{STAGES[name]}").measure
