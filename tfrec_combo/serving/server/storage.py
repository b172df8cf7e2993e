"""A model's base folder -> the versions in it, and those of them that a policy wants served."""

import dataclasses
import logging
import os
import pathlib
from collections.abc import Iterable

from tfrec_combo.base.errors import ModelError, fault

MOST = 2**63 - 1

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Policy:
  """Which versions are served: the `latest` so many, or the `specific` ones, or (both None) all."""

  latest: int | None = 1
  specific: tuple[int, ...] | None = None

  def wanted(self, found: Iterable[int]) -> list[int]:
    """Those of `found` to serve, newest first."""
    newest_first = sorted(found, reverse=True)
    if self.specific is not None:
      return [v for v in newest_first if v in self.specific]
    return newest_first[: self.latest]


def versions(base: pathlib.Path) -> dict[int, pathlib.Path]:
  """Version folders by number. A folder whose name is a whole number is one, so `0001` is version 1; all else is passed over.

  Raises:
    ModelError: the base folder cannot be read.
  """
  found: dict[int, pathlib.Path] = {}
  try:
    with os.scandir(base) as entries:
      names = sorted(e.name for e in entries if e.name.isascii() and e.name.isdigit() and e.is_dir())
  except OSError as e:
    way_out = "create it, or name another --model-base-path"
    raise ModelError(fault(str(base), "must be a folder that can be read", e.strerror, way_out)) from e
  for name in names:
    if int(name) > MOST:
      continue
    if int(name) in found:
      log.warning("%s and %s are both version %d; the first is served", found[int(name)], name, int(name))
      continue
    found[int(name)] = base / name
  return found
