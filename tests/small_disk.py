"""A disk that is soon full: memory mounted as a file system of its own, where the machine lets us."""

import contextlib
import os
import pathlib
import subprocess
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, megabytes: int) -> Iterator[pathlib.Path]:
  """Yields `folder` as a disk of that size; skips the test where mounting is not allowed."""
  mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
  try:
    subprocess.run(mount, check=True, capture_output=True)
  except (OSError, subprocess.CalledProcessError) as e:
    pytest.skip(f"a small disk cannot be mounted here: {e}")
  try:
    yield folder
  finally:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(disk: pathlib.Path, left: int) -> Iterator[None]:
  """Keeps all but `left` bytes of a disk taken."""
  hog = disk / "hog"
  facts = os.statvfs(disk)
  with open(hog, "wb") as f:
    os.posix_fallocate(f.fileno(), 0, max(1, facts.f_bavail * facts.f_frsize - left))
  try:
    yield
  finally:
    hog.unlink()
