"""An export of 1,000,000 products: its memory beside that of the vectors, and the seconds of its phases."""

import pathlib
from typing import Any

from benchmarks.speed import large_shop
from benchmarks.speed.request import LARGE, QUICK, SMALL
from benchmarks.speed.rows import Row

MOST = 3.0  # times the vectors' bytes, beside what else the SavedModel holds
NOTE = (
  "peak of the process over that of a shop of {small:,}, less what the SavedModels differ by beside vectors of {texts} and"
  " {towers} numbers a product; made-up text vectors, as BERT would take hours; seconds {seconds}"
)


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Both flavours; the models are made once and kept below `work`."""
  return [_of(flavour, QUICK if quick else LARGE, work) for flavour in ("scann", "portable")]


def _of(flavour: str, large: int, work: pathlib.Path) -> Row:
  few, many = (large_shop.phases_of(large_shop.made(n, flavour, work)) for n in (SMALL, large))
  vectors = many["vector_bytes"] - few["vector_bytes"]
  rest = many["saved_bytes"] - few["saved_bytes"] - vectors
  over = _peak(many) - _peak(few)
  config = large_shop.settings(large, work)
  seconds = ", ".join(f"{name} {phase['seconds']:.0f}" for name, phase in many["phases"].items())
  width = vectors // (4 * (large - SMALL)) - config.towers.dim
  return Row(
    stage=f"export, {large:,} products, {flavour}",
    against="the bytes of the vectors",
    ours=(over - rest) / 2**20,
    peer=vectors / 2**20,
    unit="MiB",
    ratio=(over - rest) / vectors,
    wanted=MOST,
    at_most=True,
    repeats=1,
    note=NOTE.format(small=SMALL, texts=width, towers=config.towers.dim, seconds=seconds),
  )


def _peak(found: dict[str, Any]) -> float:
  return max(phase["peak"] for phase in found["phases"].values())
