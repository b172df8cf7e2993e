"""A log to records, ten times as long as another: what that takes in time and in memory."""

import pathlib
import resource
import shutil
import subprocess
import sys
import time

from benchmarks.speed import shop
from benchmarks.speed.rows import Row, compared

PRODUCTS, LINES = 1_000_000, 1_000_000
QUICK = 20  # times fewer of both
TIMES = 10
LIMIT = 4.0  # GiB


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Each in a process of its own, for the most memory that it ever held."""
  divisor = QUICK if quick else 1
  products, lines = PRODUCTS // divisor, LINES // divisor
  configs = {n: shop.made(work, n, products) for n in (lines, TIMES * lines)}
  # What takes minutes is asked once, or three times where it is short: noise is small beside it.
  seconds: dict[int, list[float]] = {n: [] for n in configs}
  memory: dict[int, list[float]] = {n: [] for n in configs}
  for _ in range(3 if quick else 1):
    for n, config in configs.items():
      taken, most = _run(config, work / "runs")
      seconds[n].append(taken)
      memory[n].append(most)
  few, many = seconds[lines], seconds[TIMES * lines]
  less, more = memory[lines], memory[TIMES * lines]
  note = (
    f"{TIMES * lines:,} order lines against {lines:,}, both with {products:,} products: `tfrec-combo prepare`, from Parquet to "
    "TFRecord."
  )
  most = "The most that the process ever held, TensorFlow in it."
  make = lambda stage, against, mine, other, unit, wanted, note: compared(
    stage, against, mine, other, unit=unit, wanted=wanted, at_most=True, note=note
  )
  return [
    make("prepare, time", "itself with a tenth of the lines", many, few, "s", 11, note),
    make("prepare, memory", "itself with a tenth of the lines", more, less, "GiB", None, most),
    make("prepare, memory", "4 GiB", more, [LIMIT] * len(more), "GiB", 1, most),
  ]  # fmt: skip


def _run(config: pathlib.Path, runs: pathlib.Path) -> tuple[float, float]:
  """Seconds, and the most GiB, of one run from nothing."""
  shutil.rmtree(runs, ignore_errors=True)
  child = [sys.executable, "-m", __name__, sys.executable, str(config), str(runs)]
  start = time.perf_counter()
  done = subprocess.run(child, check=True, capture_output=True, text=True)
  return time.perf_counter() - start, int(done.stdout.split()[-1]) / 2**20


if __name__ == "__main__":  # a process between, as what is asked of children is the most of all of them
  python, path, folder = sys.argv[1:]
  command = [python, "-m", "tfrec_combo.cli", "prepare", "--config", path, "--set", f"runs={folder}"]
  subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
  print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
