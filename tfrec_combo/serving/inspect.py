"""What a SavedModel is, whoever made it: its signatures in words, its size and index, and which server can load it."""

import dataclasses
import os
import pathlib
from typing import Any

from tfrec_combo.base import manifest, saved_model
from tfrec_combo.base.errors import ModelError
from tfrec_combo.export.checks import STATIC, ops
from tfrec_combo.serving import signature
from tfrec_combo.serving.model import newest_version
from tfrec_combo.serving.warmup import FILE


@dataclasses.dataclass(frozen=True)
class Finding:
  """A SavedModel as it lies on disk. Nothing of it was run.

  servers: server -> the ops of the model that it lacks. faults: what a check of the exporter says. signatures: name -> inputs
  and outputs by name, in words. size: bytes, of parts and of all.
  """

  folder: str
  servers: dict[str, list[str]]
  faults: list[str]
  signatures: dict[str, dict[str, dict[str, str]]]
  size: dict[str, int]
  warmed_up: bool
  manifest: dict[str, Any] | None

  def as_dict(self) -> dict[str, Any]:
    """What JSON can hold."""
    return dataclasses.asdict(self)


def inspect(path: str | os.PathLike[str], whole: bool = False) -> Finding:
  """Reads a version folder, or the newest version of a model folder.

  Args:
    whole: reads every file and holds it against the manifest's checksums, too.

  Raises:
    ModelError: there is no SavedModel, it is damaged, or a later version of this package wrote it in a form unknown here.
  """
  folder = newest_version(path)
  meta_graph, told = saved_model.meta_graph(folder), manifest.read(folder)
  faults = []
  for check in STATIC.values():
    try:
      check(meta_graph)
    except ModelError as e:
      faults.append(str(e))
  if whole:
    try:
      manifest.verify(folder)
    except ModelError as e:
      faults.append(str(e))
  lacking = ops.missing(saved_model.ops(meta_graph))
  return Finding(
    folder=str(folder),
    servers={server: sorted(names) for server, names in lacking.items()},
    faults=faults,
    signatures={name: _words(s) for name, s in saved_model.signatures(meta_graph).items()},
    size=sizes(folder),
    warmed_up=(folder / FILE).is_file(),
    manifest=told,
  )


def _words(definition: Any) -> dict[str, dict[str, str]]:
  usual = {name: _usual(value) for name, value in definition.defaults.items()}
  told = {}
  for side, tensors in (("inputs", definition.inputs), ("outputs", definition.outputs)):
    told[side] = {
      name: _word(name, info) + usual.get(name, "") * (side == "inputs")
      for name, info in sorted(tensors.items())
    }
  return told


def _word(name: str, info: Any) -> str:
  try:
    return str(signature.spec(name, info))
  except ModelError:
    return "not a dense tensor of known rank"


def _usual(value: Any) -> str:
  one = signature.values(value)[0]
  said = one.tolist() if hasattr(one, "tolist") else one
  if isinstance(said, list):
    return ", may be left out"
  return f", {said.decode() if isinstance(said, bytes) else said!r} where it is left out"


def sizes(folder: pathlib.Path) -> dict[str, int]:
  """Bytes of the files and folders directly in `folder` by name, and of all."""
  parts: dict[str, int] = {}
  for path in sorted(folder.rglob("*")):
    if path.is_file():
      part = path.relative_to(folder).parts[0]
      parts[part] = parts.get(part, 0) + path.stat().st_size
  return parts | {"all": sum(parts.values())}
