"""One version of a model through its life: START, LOADING, AVAILABLE, UNLOADING, END."""

import enum
import logging
import pathlib
import threading
import time
from collections.abc import Callable

from tfrec_combo.base.errors import ComboError, ModelError, fault
from tfrec_combo.base.stack import tf
from tfrec_combo.serving import model as saved
from tfrec_combo.serving.server.status import Code, Refused

Files = tuple[tuple[str, int, int], ...]  # path, size, time

log = logging.getLogger(__name__)


class State(enum.IntEnum):
  """The numbers of TF Serving's ModelVersionStatus.State."""

  START = 10
  LOADING = 20
  AVAILABLE = 30
  UNLOADING = 40
  END = 50


class Version:
  """A version folder, the SavedModel loaded from it, and how many requests hold it.

  A request holds the version it began with to its end, whatever is published meanwhile: `unload` takes
  no new ones, and the last one out frees the model and calls `freed`.
  """

  def __init__(self, number: int, folder: pathlib.Path, freed: Callable[[], object]):
    self.number, self.folder, self._freed = number, folder, freed
    self.state = State.START
    self.code, self.message = Code.OK, ""
    self.tries, self.tried_at = 0, 0.0  # of loading it
    self.tried_files: Files = ()
    self._model: saved.Model | None = None
    self._holders = 0
    self._lock = threading.Lock()

  @property
  def model(self) -> saved.Model:
    """The loaded SavedModel; there is one while the version is held or available."""
    assert self._model is not None
    return self._model

  def load(self, warm_up: Callable[[saved.Model], None]) -> bool:
    """Loads and warms up; True if it is then available. A failure is logged and told by `code` and `message`.

    What a half-written folder holds is anybody's guess, so whatever TensorFlow raises is this version's fault alone.
    """
    self.tries, self.tried_at, self.tried_files = self.tries + 1, time.monotonic(), files(self.folder)
    self.state, self.code, self.message = State.LOADING, Code.OK, ""
    loaded = None
    try:
      if not (self.folder / "saved_model.pb").is_file():
        way_out = "publish it whole: write it aside, then rename it"
        raise ModelError(fault(str(self.folder), "must hold saved_model.pb", "a folder without", way_out))
      loaded = saved.load(self.folder)
      warm_up(loaded)
    except (
      ComboError,
      Refused,
      tf.errors.OpError,
      OSError,
      ValueError,
      TypeError,
      KeyError,
      RuntimeError,
    ) as e:
      if loaded is not None:
        loaded.close()
      self.code = e.code if isinstance(e, Refused) else Code.FAILED_PRECONDITION
      self.message = str(e)
      self.state = State.END
      log.error("version %d at %s is not served: %s", self.number, self.folder, self.message)
      return False
    self._model, self.state = loaded, State.AVAILABLE
    log.info("version %d at %s is available", self.number, self.folder)
    return True

  def hold(self) -> bool:
    """Keeps the model from being freed until `let_go`; False if it takes no requests any more."""
    with self._lock:
      if self.state is not State.AVAILABLE:
        return False
      self._holders += 1
      return True

  def let_go(self) -> None:
    """Ends one `hold`."""
    with self._lock:
      self._holders -= 1
    self._free()

  def unload(self) -> None:
    """Takes no new requests; frees the model as soon as nobody holds it."""
    with self._lock:
      if self.state is State.AVAILABLE:
        self.state = State.UNLOADING
    self._free()

  def _free(self) -> None:
    with self._lock:
      if self.state is not State.UNLOADING or self._holders:
        return
      loaded, self._model = self._model, None
      self.state = State.END
    if loaded is not None:
      loaded.close()
      self._freed()
      log.info("version %d at %s is unloaded", self.number, self.folder)


def files(folder: pathlib.Path) -> Files:
  """Path, size and time of each file of a version: another answer means that somebody wrote to it."""
  found = []
  for path in sorted(folder.rglob("*")):
    try:
      facts = path.stat()
    except OSError:  # being written or removed just now
      continue
    found.append((str(path), facts.st_size, facts.st_mtime_ns))
  return tuple(found)
