"""How long the parts of a work took."""

import contextlib
import time
from collections.abc import Iterator


class Laps:
  """Wall seconds by part, in the order the parts began; a part that comes again adds up."""

  def __init__(self) -> None:
    self.seconds: dict[str, float] = {}

  @contextlib.contextmanager
  def __call__(self, part: str) -> Iterator[None]:
    began = time.monotonic()
    self.seconds.setdefault(part, 0.0)
    try:
      yield
    finally:
      self.seconds[part] = round(self.seconds[part] + time.monotonic() - began, 2)

  def __str__(self) -> str:
    return ", ".join(f"{part} {seconds:.1f}" for part, seconds in self.seconds.items())
