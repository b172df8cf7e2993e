"""Clients that ask without a pause, and what they saw."""

import concurrent.futures
import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Seen:
  """Of one load: answers a second, and milliseconds that half and 99 of 100 answers took at most."""

  clients: int
  per_second: float
  p50_ms: float
  p99_ms: float
  answers: int


def load(connect: Callable[[], Callable[[int], object]], clients: int, seconds: float, warm: int = 5) -> Seen:
  """Each of `clients` threads calls what its own `connect()` returned, with 0, 1, 2, ..., for `seconds`."""
  ready, go = threading.Barrier(clients + 1), threading.Event()
  ends: list[float] = []

  def client(_: int) -> list[float]:
    try:
      ask = connect()
      for i in range(warm):
        ask(i)
    except BaseException:
      ready.abort()  # or the others would wait for it
      raise
    ready.wait()
    go.wait()
    took, i = [], 0
    while time.perf_counter() < ends[0]:
      started = time.perf_counter()
      ask(i)
      took.append(time.perf_counter() - started)
      i += 1
    return took

  with concurrent.futures.ThreadPoolExecutor(clients) as threads:
    running = [threads.submit(client, i) for i in range(clients)]
    with contextlib.suppress(threading.BrokenBarrierError):  # the client says why below
      ready.wait()
    started = time.perf_counter()
    ends.append(started + seconds)
    go.set()
    took = np.concatenate([one.result() for one in running]) * 1e3
  whole = time.perf_counter() - started
  p50, p99 = np.percentile(took, [50, 99])
  return Seen(clients, len(took) / whole, float(p50), float(p99), len(took))
