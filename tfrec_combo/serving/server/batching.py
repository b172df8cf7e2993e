"""Requests that wait at the same time run as one batch.

The first to find a free place runs at once; those that come while it runs wait, and run together when it is done. So a
request alone waits for nobody, and the batches grow with the load. There is no thread of its own: whoever waits longest runs
the batch. TF Serving holds each batch back for `batch_timeout_micros` instead; `wait` does that here.
"""

import collections
import dataclasses
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from tfrec_combo.serving.server.status import Code, Refused

Arrays = dict[str, np.ndarray]
Run = Callable[[Sequence[np.ndarray], float | None], Arrays]  # arrays and deadline -> outputs


@dataclasses.dataclass(frozen=True)
class Batching:
  """max_rows: of a batch. wait: seconds to hold a batch back for more. queued: requests that may wait; more are refused.
  parallel: batches that run at once."""

  max_rows: int = 64
  wait: float = 0.0
  queued: int = 1024
  parallel: int = 2


class _Job:
  """One request: `woken` is set when it is answered or when it is to run the next batch."""

  def __init__(self, arrays: Sequence[np.ndarray], deadline: float | None):
    self.arrays, self.deadline, self.rows = arrays, deadline, len(arrays[0])
    self.shapes = [a.shape[1:] for a in arrays]  # only equal ones can be joined
    self.woken = threading.Event()
    self.outputs: Arrays | None = None
    self.error: Exception | None = None


class Batcher:
  """Batches the requests to one signature. Rows of the signature must not know of each other."""

  def __init__(self, run: Run, settings: Batching):
    self._run, self._settings = run, settings
    self._queue: collections.deque[_Job] = collections.deque()
    self._running = 0
    self._lock = threading.Lock()

  def __call__(self, arrays: Sequence[np.ndarray], deadline: float | None = None) -> Arrays:
    """The outputs of one request; every array has the request's rows as dimension 0.

    Raises:
      Refused: the queue is full, the deadline passed, or what `run` refuses.
    """
    job = _Job(arrays, deadline)
    with self._lock:
      leads = self._running < self._settings.parallel
      if not leads and len(self._queue) >= self._settings.queued:
        raise Refused(
          Code.RESOURCE_EXHAUSTED, "The batch scheduling queue to which this task was submitted is full"
        )
      if leads:
        self._running += 1
      else:
        self._queue.append(job)
    if leads or self._leads_after_waiting(job):
      self._lead(job)
    if job.error is not None:
      raise job.error
    assert job.outputs is not None
    return job.outputs

  def _leads_after_waiting(self, job: _Job) -> bool:
    """Waits until `job` is answered, or (then True) it is its turn to run the next batch."""
    if not job.woken.wait(None if job.deadline is None else max(0.0, job.deadline - time.monotonic())):
      with self._lock:
        if not job.woken.is_set():
          if job in self._queue:
            self._queue.remove(job)
          raise Refused(Code.DEADLINE_EXCEEDED, "Deadline exceeded while the request waited for its batch")
    return job.outputs is None and job.error is None

  def _lead(self, job: _Job) -> None:
    """Runs `job` with those that wait and fit, then hands the place on."""
    batch = [job]
    try:
      if self._settings.wait:
        time.sleep(self._settings.wait)
      batch += self._fitting(job)
      self._answer(batch)
    finally:
      for one in batch[1:]:
        one.woken.set()
      with self._lock:
        if self._queue:
          self._queue.popleft().woken.set()
        else:
          self._running -= 1

  def _fitting(self, job: _Job) -> list[_Job]:
    found, rows = [], job.rows
    with self._lock:
      for one in list(self._queue):
        if one.shapes == job.shapes and rows + one.rows <= self._settings.max_rows:
          self._queue.remove(one)
          found.append(one)
          rows += one.rows
    return found

  def _answer(self, batch: list[_Job]) -> None:
    if len(batch) > 1 and self._together(batch):
      return
    for one in batch:
      try:
        one.outputs = self._run(one.arrays, one.deadline)
      except Exception as e:
        one.error = e

  def _together(self, batch: list[_Job]) -> bool:
    """Runs the batch as one; False where that fails or its outputs are no rows: then each is run for itself."""
    deadlines = [one.deadline for one in batch]
    latest = None if None in deadlines else max(d for d in deadlines if d is not None)
    total = sum(one.rows for one in batch)
    try:
      joined = [np.concatenate(parts) for parts in zip(*(one.arrays for one in batch))]
      outputs = self._run(joined, latest)
    except Exception:  # of one request, most likely; run alone, each gets its own
      return False
    if any(not v.ndim or len(v) != total for v in outputs.values()):
      return False
    start = 0
    for one in batch:
      one.outputs = {name: v[start : start + one.rows] for name, v in outputs.items()}
      start += one.rows
    return True
