"""One line of the table: ours beside a peer and beside a floor, from repeats that took turns."""

import dataclasses
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

REPEATS = 5  # the least that a median is taken of


@dataclasses.dataclass(frozen=True)
class Row:
  """What one stage took.

  ours, peer: medians in `unit`. ratio: how many times better ours is; with `at_most`, how many times as much ours takes as
  what it is held against. wanted: what the ratio is to reach, or with `at_most` not to pass; None: told only. floor: in `unit`,
  the bytes or FLOPs that must be moved or done over the ceiling of this machine. share: of the floor, 1 where ours reaches it.
  low, high: quartiles of the ratios of the single repeats. load: what else the machine did, as its load average at the start.
  """

  stage: str
  against: str
  ours: float
  peer: float | None = None
  unit: str = "s"
  ratio: float | None = None
  wanted: float | None = None
  at_most: bool = False
  floor: float | None = None
  share: float | None = None
  repeats: int = REPEATS
  note: str = ""
  low: float | None = None
  high: float | None = None
  load: float | None = None

  @property
  def met(self) -> bool | None:
    """Whether the ratio is what was wanted; None where nothing was."""
    if self.wanted is None or self.ratio is None:
      return None
    return self.ratio <= self.wanted if self.at_most else self.ratio >= self.wanted

  @property
  def reached(self) -> float | None:
    """Of what was wanted: 1 is just that, more is better."""
    if not self.wanted or not self.ratio:
      return None
    return self.wanted / self.ratio if self.at_most else self.ratio / self.wanted


def compared(
  stage: str,
  against: str,
  ours: Sequence[float],
  peer: Sequence[float] | None = None,
  *,
  unit: str = "s",
  wanted: float | None = None,
  at_most: bool = False,
  floor: float | None = None,
  note: str = "",
) -> Row:
  """A row of repeats that took turns, pair by pair. Of a `unit` that ends in /s more is better, of any other less is."""
  rate = unit.endswith("/s")
  mine = float(np.median(ours))
  ratios = None
  if peer is not None:
    times_more = np.asarray(ours, float) / np.asarray(peer, float)
    ratios = times_more if rate or at_most else 1 / times_more
  middle = lambda values: None if values is None else float(np.median(values))
  share = None if floor is None else (mine / floor if rate else floor / mine)
  return Row(
    stage, against, mine, middle(peer), unit, middle(ratios), wanted, at_most, floor, share, len(ours), note,
    None if ratios is None else float(np.quantile(ratios, 0.25)),
    None if ratios is None else float(np.quantile(ratios, 0.75)),
    round(os.getloadavg()[0], 2),
  )  # fmt: skip


def in_turns(ways: Mapping[str, Callable[[], Any]], repeats: int = REPEATS) -> dict[str, list[float]]:
  """Wall seconds of each way, once each before the next repeat, so that whatever else the machine does falls on all; a first
  call of each is not counted."""
  for way in ways.values():
    way()
  taken: dict[str, list[float]] = {name: [] for name in ways}
  for _ in range(repeats):
    for name, way in ways.items():
      start = time.perf_counter()
      way()
      taken[name].append(time.perf_counter() - start)
  return taken
