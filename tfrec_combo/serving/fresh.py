"""A process in which neither Keras nor TFRS was ever imported, as a server would have it, that replays golden requests."""

import pathlib
import subprocess
import sys

from tfrec_combo.base.errors import ModelError


class FreshProcess:
  """Starts at once and imports TensorFlow beside whoever made it; then it waits for a folder. It ends with its maker."""

  def __init__(self) -> None:
    self._waiting: subprocess.Popen[str] | None = _started()

  def replay(self, folder: pathlib.Path) -> None:
    """As `golden.replay`; each folder is replayed in a process of its own.

    Raises:
      ModelError: with the line that the process ended on.
    """
    process, self._waiting = self._waiting or _started(), None
    said = process.communicate(f"{folder}\n")[1]
    if process.returncode:
      lines = [line for line in said.splitlines() if line.strip()]
      raise ModelError(f"the exported model does not serve: {lines[-1] if lines else 'no message'}")


def _started() -> subprocess.Popen[str]:
  command = [sys.executable, "-m", "tfrec_combo.serving.golden", "-"]
  return subprocess.Popen(
    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
  )
