"""Writing so that a killed run leaves the last good data: aside first, then renamed into place."""

import contextlib
import errno
import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Iterator

FULL = os.strerror(errno.ENOSPC)
_LEFT = re.compile(r"(?P<pid>\d+)-[0-9a-f]{8}\.(?P<kind>aside|old)")


@contextlib.contextmanager
def written_aside(target: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
  """Yields a path beside `target` to write a file or a folder to; on success it takes `target`'s place.

  The name aside starts with a dot and is never a whole number, so TF Serving does not take it for a version. On an
  exception it is removed and `target` stays as it was. A folder cannot be replaced in one system call, so the old one is
  moved away just before the rename and put back should that fail.

  Raises:
    OSError: the disk is full; errno ENOSPC, whichever library met it and whatever it raised.
  """
  target = pathlib.Path(os.path.realpath(target))  # what a link points to is replaced, not the link
  if target.exists() and not target.is_file() and not target.is_dir():
    yield target  # a pipe or a device, such as /dev/stdout, has no other name to be written to
    return
  target.parent.mkdir(parents=True, exist_ok=True)
  sweep(target)
  aside = target.parent / _name(target, "aside")
  try:
    yield aside
    _replace(aside, target)
  except Exception as e:
    if FULL not in str(e):
      raise
    raise OSError(
      errno.ENOSPC, f"{FULL}; nothing of it was kept: free some, then run again", str(target)
    ) from e
  finally:
    _remove(aside)


@contextlib.contextmanager
def scratch(target: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
  """Yields an empty folder beside `target` for what is only of use on the way; it is removed, and so is what killed runs left."""
  target = pathlib.Path(os.path.realpath(target))
  target.parent.mkdir(parents=True, exist_ok=True)
  sweep(target)
  aside = target.parent / _name(target, "aside")
  aside.mkdir()
  try:
    yield aside
  finally:
    _remove(aside)


def sweep(target: str | os.PathLike[str]) -> None:
  """Removes what killed runs left aside of `target`; a moved-away old folder goes back where nothing took its place."""
  target = pathlib.Path(target)
  for path in sorted(target.parent.glob(f".{glob.escape(target.name)}.*")):
    left = _LEFT.fullmatch(path.name.removeprefix(f".{target.name}."))
    if left is None or _lives(int(left["pid"])):
      continue
    if left["kind"] == "aside" or target.exists():
      _remove(path)
    else:
      os.rename(path, target)


def _name(target: pathlib.Path, kind: str) -> str:
  return f".{target.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.{kind}"


def _lives(pid: int) -> bool:
  """Whether another process of that id runs: what it writes aside is not left over. Ours is done with it, or nests it."""
  if pid == os.getpid():
    return True
  try:
    os.kill(pid, 0)
  except ProcessLookupError:
    return False
  except PermissionError:
    return True
  return True


def _replace(aside: pathlib.Path, target: pathlib.Path) -> None:
  if not target.is_dir():
    os.replace(aside, target)
    return
  old = target.parent / _name(target, "old")
  os.rename(target, old)
  try:
    os.rename(aside, target)
  except OSError:
    os.rename(old, target)
    raise
  _remove(old)


def _remove(path: pathlib.Path) -> None:
  if path.is_dir():
    shutil.rmtree(path, ignore_errors=True)
  else:
    path.unlink(missing_ok=True)


def write_json(path: str | os.PathLike[str], value: object) -> None:
  """Writes `value` as indented JSON, whole or not at all."""
  with written_aside(path) as aside:
    aside.write_text(
      json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n", encoding="utf-8"
    )


def read_json(path: str | os.PathLike[str]) -> dict:
  """The JSON object in `path`."""
  return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def sha256(path: str | os.PathLike[str]) -> str:
  """Checksum of one file, as hex digits."""
  with open(path, "rb") as f:
    return hashlib.file_digest(f, "sha256").hexdigest()


def checksums(folder: str | os.PathLike[str]) -> dict[str, str]:
  """Checksum of each file below `folder` by its path inside it, in sorted order."""
  root = pathlib.Path(folder)
  return {str(p.relative_to(root)): sha256(p) for p in sorted(root.rglob("*")) if p.is_file()}


def fingerprint(value: object) -> str:
  """16 hex digits that change when `value`, anything JSON can hold, changes: the key of what a rerun may reuse."""
  return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
