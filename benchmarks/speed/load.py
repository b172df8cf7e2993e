"""Loading an exported model of 1,000,000 products, to its first answer, in session mode."""

import os
import pathlib
import time

from benchmarks.speed import ceilings, large_shop
from benchmarks.speed.request import LARGE, QUICK, SMALL, requests
from benchmarks.speed.rows import REPEATS, Row, compared
from tfrec_combo.serving import model


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Both flavours; the models are made once and kept below `work`."""
  return [_of(flavour, QUICK if quick else LARGE, work) for flavour in ("scann", "portable")]


def _of(flavour: str, large: int, work: pathlib.Path) -> Row:
  folders = {n: large_shop.made(n, flavour, work) for n in (large, SMALL)}
  taken: dict[int, list[float]] = {n: [] for n in folders}
  for _ in range(REPEATS):
    for n, folder in folders.items():
      begun = time.perf_counter()
      with model.load(folder) as loaded:
        loaded.run("recommend", requests(loaded, n, 1)[0])
        taken[n].append(time.perf_counter() - begun)
  size = sum(os.path.getsize(path) for path in (folders[large] / "variables").iterdir())
  return compared(
    f"load and first answer, {large:,} products, {flavour}",
    f"itself over {SMALL:,} products",
    taken[large],
    taken[SMALL],
    at_most=True,
    floor=size / ceilings.here().disk,
    note=f"floor: {size / 2**20:.0f} MiB of variables read from disk",
  )
