"""The models a server serves: what is wanted, what is loaded, and which version a request gets."""

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from tfrec_combo.base.errors import ModelError
from tfrec_combo.serving import model
from tfrec_combo.serving.server import storage
from tfrec_combo.serving.server.config_file import Served
from tfrec_combo.serving.server.status import Code, Refused
from tfrec_combo.serving.server.version import Files, State, Version, files

ENDED_KEPT = 16  # versions that ended, kept to be told of; a server lives through thousands

log = logging.getLogger(__name__)


@dataclasses.dataclass
class _Entry:
  served: Served
  versions: dict[int, Version] = dataclasses.field(default_factory=dict)
  labels: dict[str, int] = dataclasses.field(default_factory=dict)

  def available(self) -> list[Version]:
    """Newest first."""
    return [v for _, v in sorted(self.versions.items(), reverse=True) if v.state is State.AVAILABLE]


class Models:
  """Every served model by name.

  `poll` looks at the disk once and brings what is loaded in line with it: a new version is loaded and warmed up before the
  old one goes (twice the memory for that while), one that does not load leaves the old one serving, and a removed one gives
  way to what is left.

  Args:
    warm_up: asks a just loaded model, and raises where it does not answer; then the version is not served.
    retries: times a version that failed is tried again, `retry_seconds` apart (TF Serving's defaults); one whose files
      changed is tried at once.

  `freed` is set when a model was let go; whoever clears it may collect what it left.
  """

  def __init__(self, warm_up: Callable[[model.Model], None], retries: int = 5, retry_seconds: float = 60.0):
    self._warm_up, self._retries, self._retry_seconds = warm_up, retries, retry_seconds
    self.freed = threading.Event()
    self._entries: dict[str, _Entry] = {}
    self._lock = threading.Lock()  # over what requests read; never held while a model loads
    self._polling = threading.Lock()
    self._seen: dict[str, Files] = {}  # files of failed versions as of the last poll

  def apply(self, served: Mapping[str, Served], labels_ahead: bool = False) -> None:
    """Serves exactly `served` from now on, and returns when it is loaded.

    Raises:
      Refused: a model has no version that can be served, or a label names a version that is not available and is not a new
        label with `labels_ahead`. What can be served is served all the same.
    """
    with self._polling:
      with self._lock:
        gone = [entry for name, entry in self._entries.items() if name not in served]
        self._entries = {
          name: dataclasses.replace(self._entries.get(name) or _Entry(one), served=one)
          for name, one in served.items()
        }
      for entry in gone:
        for version in entry.versions.values():
          version.unload()
      self._poll()
      missing = {name: one.base for name, one in served.items() if not self._entries[name].available()}
      if missing:
        told = ", ".join(f"{name} at {base}{self._why(name)}" for name, base in missing.items())
        raise Refused(
          Code.FAILED_PRECONDITION, f"{len(missing)} model(s) did not become available: {{{told}}}"
        )
      self._label(labels_ahead)

  def poll(self) -> None:
    """Looks at the disk once; see the class."""
    with self._polling:
      self._poll()

  @contextlib.contextmanager
  def held(self, name: str, number: int | None = None, label: str | None = None) -> Iterator[Version]:
    """The version that a request names, held while it is answered: the newest that is available, unless it says which.

    Raises:
      Refused: there is none; in TF Serving's words.
    """
    version = None
    while version is None:
      fitting = self._fitting(name, number, label)
      # One that was just swapped out cannot be held; what took its place was available before that.
      version = next((v for v in fitting if v.hold()), None)
    try:
      yield version
    finally:
      version.let_go()

  def _fitting(self, name: str, number: int | None, label: str | None) -> list[Version]:
    with self._lock:
      entry = self._entries.get(name)
      if label is not None:
        if entry is None or label not in entry.labels:
          raise Refused(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
        number = entry.labels[label]
      fitting = [v for v in entry.available() if number in (None, v.number)] if entry else []
    if not fitting:
      said = f"Latest({name})" if number is None else f"Specific({name}, {number})"
      raise Refused(Code.NOT_FOUND, f"Servable not found for request: {said}")
    return fitting

  def status(self, name: str, number: int | None = None) -> list[Version]:
    """Every version heard of, newest first, or the one.

    Raises:
      Refused: there is none; in TF Serving's words.
    """
    with self._lock:
      entry = self._entries.get(name)
      known = dict(sorted(entry.versions.items(), reverse=True)) if entry else {}
    if number is None:
      if not known:
        raise Refused(Code.NOT_FOUND, f"Could not find any versions of model {name}")
      return list(known.values())
    if number not in known:
      raise Refused(Code.NOT_FOUND, f"Could not find version {number} of model {name}")
    return [known[number]]

  def names(self) -> list[str]:
    """Names of the served models."""
    with self._lock:
      return sorted(self._entries)

  def labels(self, name: str) -> dict[str, int]:
    """The version that each label of a model names."""
    with self._lock:
      entry = self._entries.get(name)
      return dict(entry.labels) if entry else {}

  def ready(self) -> bool:
    """Whether each model has a version to answer with."""
    with self._lock:
      return bool(self._entries) and all(entry.available() for entry in self._entries.values())

  def close(self) -> None:
    """Frees every version as soon as its last request is answered."""
    with self._polling, self._lock:
      entries, self._entries = self._entries, {}
    for entry in entries.values():
      for version in entry.versions.values():
        version.unload()

  def _poll(self) -> None:
    for entry in list(self._entries.values()):
      try:
        found = storage.versions(entry.served.base)
      except ModelError as e:  # a share that is away for a moment is no order to stop serving
        log.error("%s keeps what it has: %s", entry.served.name, e)
        continue
      wanted = entry.served.policy.wanted(found)
      for number in self._to_try(entry, wanted, found):
        if number not in wanted:
          log.warning("%s: no newer version can be served, so version %d is", entry.served.name, number)
          wanted = [*wanted, number]
        old = entry.versions.get(number)
        if old is None or (old.state in (State.UNLOADING, State.END) and old.code is Code.OK):
          with self._lock:
            entry.versions[number] = Version(number, found[number], self.freed.set)
        version = entry.versions[number]
        if version.state in (State.START, State.END) and self._may_try(version):
          version.load(self._warm_up)
      self._drop(entry, wanted)

  def _to_try(self, entry: _Entry, wanted: list[int], found: Mapping[int, object]) -> Iterator[int]:
    """What is wanted; where none of it can be served and nothing else is, the next older version, and so on."""
    yield from wanted
    if entry.served.policy.specific is None:
      for number in sorted(set(found) - set(wanted), reverse=True):
        if entry.available():
          return
        yield number

  def _may_try(self, version: Version) -> bool:
    if not version.tries:
      return True
    key, now = str(version.folder), files(version.folder)
    settled, self._seen[key] = self._seen.get(key) == now, now
    if now != version.tried_files:
      return settled  # still being written, else
    late = time.monotonic() - version.tried_at >= self._retry_seconds
    return version.tries <= self._retries and late

  def _drop(self, entry: _Entry, wanted: list[int]) -> None:
    """Unloads what is not wanted, unless it is all there is to answer with."""
    if not wanted or any(v.number in wanted for v in entry.available()):
      for version in entry.versions.values():
        if version.number not in wanted:
          version.unload()
    ended = [n for n, v in sorted(entry.versions.items()) if v.state is State.END and n not in wanted]
    with self._lock:
      for number in ended[:-ENDED_KEPT]:
        self._seen.pop(str(entry.versions.pop(number).folder), None)

  def _label(self, ahead: bool) -> None:
    for entry in self._entries.values():
      available = {v.number for v in entry.available()}
      for label, number in entry.served.labels.items():
        if number not in available and not (ahead and label not in entry.labels):
          raise Refused(
            Code.FAILED_PRECONDITION,
            f"label {label!r} of model {entry.served.name} must name a version that is available, got {number};"
            " assign it when the version is loaded",
          )
      with self._lock:
        entry.labels = dict(entry.served.labels)

  def _why(self, name: str) -> str:
    said = [v.message for v in self._entries[name].versions.values() if v.message]
    return f" ({said[-1]})" if said else " (it holds no version)"
