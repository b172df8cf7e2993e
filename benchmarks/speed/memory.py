"""What this process holds in memory, from the kernel."""

import contextlib
import pathlib

_STATUS = pathlib.Path("/proc/self/status")


def resident() -> int:
  """Bytes of this process that lie in memory now."""
  return _field("VmRSS")


def peak() -> int:
  """The most bytes that did since it began, or since `reset_peak`."""
  return _field("VmHWM")


def reset_peak() -> None:
  """Forgets the peak; where the kernel refuses, it stays that of the whole process."""
  with contextlib.suppress(OSError):
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def _field(name: str) -> int:
  lines = _STATUS.read_text().splitlines()
  return 1024 * int(next(line.split()[1] for line in lines if line.startswith(name)))
