"""How long each stage of a run took, kept beside its work: timings.json, stage -> seconds."""

import pathlib
import time

from tfrec_combo.base import config as c
from tfrec_combo.base import files

NAME = "timings.json"
STAGES = ("prepare", "train", "export", "evaluate")


def note(config: c.Config, stage: str, began: float) -> None:
  """Writes down that `stage` ended now; `began` is of time.monotonic()."""
  seconds = read(config.run_dir) | {stage: round(time.monotonic() - began, 1)}
  files.write_json(config.run_dir / NAME, {name: seconds[name] for name in STAGES if name in seconds})


def read(folder: pathlib.Path) -> dict[str, float]:
  """Seconds of the stages that were noted in the folder of a run, in the order they run."""
  path = folder / NAME
  return files.read_json(path) if path.is_file() else {}
