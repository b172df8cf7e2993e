"""What this machine can do at best, with the threads that a benchmark may use: the floors stand on it."""

import dataclasses
import functools
import os
import pathlib
import tempfile
import time
from collections.abc import Callable

import numpy as np

BYTES = 256 << 20  # far more than any cache holds
WIDE = 1536  # of the matrices
TRIES = 20  # the best of them, short ones: a ceiling is what is reached while nothing else runs


@dataclasses.dataclass(frozen=True)
class Ceilings:
  """bytes_copied: a second, of memory; a copy reads and writes each byte, and both are counted. flops: float32
  a second, of a matrix product. disk: bytes a second of a file that no cache holds."""

  threads: int
  bytes_copied: float
  flops: float
  disk: float

  def seconds(self, *, flops: float = 0, moved: float = 0, read: float = 0) -> float:
    """The floor of a piece of work: the longest of its float32 operations, bytes moved in memory and bytes read from disk."""
    return max(flops / self.flops, moved / self.bytes_copied, read / self.disk)


@functools.cache
def here() -> Ceilings:
  """Measured once a process."""
  return Ceilings(threads(), _copy(), _product(), _disk())


def threads() -> int:
  """Threads that this benchmark may use."""
  return int(os.environ.get("TFREC_COMBO_BENCH_THREADS", os.cpu_count() or 1))


def _best(work: Callable[[], object], amount: float) -> float:
  taken = []
  for _ in range(TRIES):
    start = time.perf_counter()
    work()
    taken.append(time.perf_counter() - start)
  return amount / min(taken)


def _copy() -> float:
  source, target = np.ones(BYTES, np.uint8), np.zeros(BYTES, np.uint8)
  return _best(lambda: np.copyto(target, source), 2 * BYTES)


def _product() -> float:
  from tfrec_combo.base.stack import tf

  left = tf.random.normal([WIDE, WIDE])
  product = tf.function(lambda x: tf.linalg.matmul(x, x)[:1], autograph=False)
  product(left)
  return _best(lambda: product(left).numpy(), 2 * WIDE**3)


def _disk() -> float:
  with tempfile.TemporaryDirectory(dir=os.environ.get("TFREC_COMBO_BENCH_WORK")) as folder:
    path = pathlib.Path(folder) / "bytes"
    path.write_bytes(np.random.default_rng(0).bytes(BYTES))

    def read() -> None:
      with open(path, "rb", buffering=0) as f:
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while f.read(8 << 20):
          pass

    return _best(read, BYTES)
