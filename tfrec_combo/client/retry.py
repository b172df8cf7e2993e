"""Tries again what a busy server refused, with longer waits each time, within one deadline."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tfrec_combo.base.errors import ComboError

FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0  # seconds; the wait doubles from the one to the other

T = TypeVar("T")


class ServerError(ComboError):
  """What a server answered instead of an answer.

  code: the name of its status, such as NOT_FOUND. again: whether the same request may succeed later. wait: seconds the
  server asked to wait, 0 where it did not.
  """

  def __init__(self, code: str, message: str, again: bool = False, wait: float = 0.0):
    super().__init__(f"{code}: {message}")
    self.code, self.message, self.again, self.wait = code, message, again, wait


def persist(attempt: Callable[[float], T], seconds: float, retries: int) -> T:
  """What `attempt` returns; it gets the seconds that are left.

  Args:
    seconds: for all attempts and the waits between them.
    retries: after the first attempt, of failures that may pass.

  Raises:
    ServerError: the last one, where it may not pass, or there is no retry or time left.
  """
  deadline = time.monotonic() + seconds
  for tried in range(retries + 1):
    try:
      return attempt(max(0.001, deadline - time.monotonic()))
    except ServerError as e:
      # Half of the wait by chance: clients that were refused together do not come back together.
      wait = max(e.wait, min(LONGEST_WAIT, FIRST_WAIT * 2**tried) * random.uniform(0.5, 1.0))
      if not e.again or tried == retries or time.monotonic() + wait >= deadline:
        raise
      time.sleep(wait)
  raise AssertionError("the loop returns or raises")
