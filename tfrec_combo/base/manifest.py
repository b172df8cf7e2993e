"""The manifest beside a SavedModel: what it was made from and in which form, and the checksum of each of its files."""

import json
import pathlib
from typing import Any

from tfrec_combo.base import files
from tfrec_combo.base.errors import ModelError, fault

# 1: as first written. 2: with flavour, index, servers and signatures; warm-up requests beside the golden ones.
FORMAT = 2
MANIFEST = "manifest.json"


def read(folder: pathlib.Path) -> dict[str, Any] | None:
  """The manifest of a version folder; None where another tool wrote the SavedModel.

  Raises:
    ModelError: it cannot be read, or a later version of this package wrote it in a form unknown here.
  """
  path = pathlib.Path(folder) / MANIFEST
  if not path.is_file():
    return None
  try:
    found = files.read_json(path)
  except (OSError, json.JSONDecodeError, UnicodeDecodeError) as e:
    raise ModelError(
      f"{path} cannot be read: {' '.join(str(e).split())[:100]}; copy the folder again or export it again"
    ) from None
  form = found.get("format") if isinstance(found, dict) else None
  if not isinstance(form, int) or not 1 <= form <= FORMAT:
    way_out = f"install tfrec-combo {_writer(found)}, which wrote it, or export the model again with this one"
    raise ModelError(fault(f"{path}: format", f"must be 1 to {FORMAT}", form, way_out))
  return found


def verify(folder: pathlib.Path) -> None:
  """Reads every file and holds it against its checksum; passes where there is no manifest.

  Raises:
    ModelError: a file is missing or is not what was exported.
  """
  found = read(folder)
  for name, wanted in (found or {}).get("files", {}).items():
    path = pathlib.Path(folder) / name
    way_out = "copy the folder again or export it again"
    if not path.is_file():
      raise ModelError(fault(str(folder), f"must hold {name}", "a folder without", way_out))
    if (got := files.sha256(path)) != wanted:
      raise ModelError(fault(str(path), f"must have the checksum {wanted[:12]}...", got[:12], way_out))


def _writer(found: Any) -> str:
  return str(found.get("tfrec_combo", "as")) if isinstance(found, dict) else "as"
