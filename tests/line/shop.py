"""The whole line on the synthetic shop: one run, by `tfrec-combo quickstart`, that the tests of this folder look at."""

import dataclasses
import functools
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import yaml

from tfrec_combo.base import config as c
from tfrec_combo.logs.sources import synthetic

SETTINGS = {
  "name": "shop",
  "data": {"source": "synthetic"},
  "records": {"history": 64, "basket": 16, "shards": 2},
  "text": {"tokens": 16},
  "towers": {"dim": 32, "history": 32},
  "retrieval": {"k": 40, "neighbours": 40, "epochs": 4, "batch": 128},
  "ranker": {"candidates": 100, "layers": [16], "members": 2, "epochs": 6, "batch": 32},
  "combine": {"pool": 24, "size": 4},
  "training": {"valid_orders": 64},
  "evaluation": {"k": [5, 10]},
  "export": {"k": 30, "history": 32, "basket": 8, "exclude": 8},
}


@dataclasses.dataclass
class Line:
  """A run of the command, which may still be under way; `finished` waits for it."""

  folder: pathlib.Path
  process: subprocess.Popen

  @functools.cached_property
  def output(self) -> str:
    """What it printed."""
    self.process.wait()
    printed = (self.folder / "printed.txt").read_text()
    assert self.process.returncode == 0, printed[-3000:]
    return printed

  @property
  def file(self) -> pathlib.Path:
    """The YAML config."""
    return self.folder / "shop.yaml"

  @property
  def config(self) -> c.Config:
    """The config that was run."""
    return c.load(self.file)

  @property
  def version(self) -> pathlib.Path:
    """The exported version."""
    return self.folder / "saved" / "shop" / "1"

  def finished(self) -> "Line":
    """Itself, once the command has ended well."""
    assert self.output
    return self


def start() -> Line:
  """Starts the command in a folder of its own."""
  folder = pathlib.Path(tempfile.mkdtemp(prefix="tfrec-line-"))
  places = {"runs": str(folder / "runs"), "export": SETTINGS["export"] | {"folder": str(folder / "saved")}}
  (folder / "shop.yaml").write_text(yaml.safe_dump(SETTINGS | places))
  command = [sys.executable, "-m", "tfrec_combo.cli", "quickstart", "--config", str(folder / "shop.yaml")]
  root = pathlib.Path(__file__).parents[2]
  environment = os.environ | {"COLUMNS": "200", "PYTHONPATH": str(root)}
  with open(folder / "printed.txt", "wb") as out:
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=out, stderr=subprocess.STDOUT)
  return Line(folder, process)


@functools.cache
def truth() -> synthetic.Truth:
  """What is right in the shop."""
  return synthetic.truth(0)


def requests(rows: int = 1, signature: str = "recommend", **given) -> dict[str, np.ndarray]:
  """Inputs of a request signature: empty ones, and lists of `rows` lists in place of those that are given."""
  export = SETTINGS["export"]
  inputs = {
    "history_ids": np.full([rows, export["history"]], "", object),
    "history_days": np.zeros([rows, export["history"]], np.float32),
    "basket_ids": np.full([rows, export["basket"]], "", object),
    "query": np.full([rows], "", object),
    "context": np.full([rows], "", object),
    "exclude_ids": np.full([rows, export["exclude"]], "", object),
  }
  if signature == "combine":
    size = np.array(given.pop("size", [3] * rows), np.int32)
    inputs |= {"size_min": size, "size_max": size, "budget": np.zeros([rows], np.float32)}
  for name, values in given.items():
    for row, value in enumerate(values):
      if inputs[name].ndim == 2:
        inputs[name][row, : len(value)] = value
      else:
        inputs[name][row] = value
  return inputs


def words(ids: np.ndarray) -> list:
  """Nested lists of str without the empty places at their ends."""
  if ids.ndim == 1:
    return [i.decode() for i in ids if i]
  return [words(row) for row in ids]
