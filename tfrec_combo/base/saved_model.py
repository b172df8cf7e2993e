"""What lies in a SavedModel's `saved_model.pb`, read without loading the model."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

from tfrec_combo.base import files
from tfrec_combo.base.errors import ModelError, fault
from tfrec_combo.base.stack import tf

EXPORT = "export one with `tfrec-combo export`, or name a folder such as saved_models/<name>"
INIT = "__saved_model_init_op"  # fills the tables; no signature that a client asks


def meta_graph(folder: pathlib.Path) -> Any:
  """The MetaGraphDef tagged `serve` of a version folder.

  Raises:
    ModelError: a file or the graph is missing, or the file is damaged.
  """
  for part in ("saved_model.pb", "variables/variables.index"):
    if not (folder / part).is_file():
      way_out = "copy the whole folder again, or export it again"
      raise ModelError(fault(str(folder), f"must hold {part}", "a folder without", way_out))
  return _served(folder, _parsed(folder))


@contextlib.contextmanager
def changed(folder: pathlib.Path) -> Iterator[Any]:
  """Yields `meta_graph` to be changed, and writes it back."""
  saved = _parsed(folder)
  yield _served(folder, saved)
  with files.written_aside(folder / "saved_model.pb") as aside:
    aside.write_bytes(saved.SerializeToString(deterministic=True))


def _parsed(folder: pathlib.Path) -> Any:
  try:
    return tf.__internal__.saved_model.parse_saved_model(str(folder))
  except OSError as e:
    raise ModelError(f"{folder} is damaged: {first_line(e)}; copy it again or export it again") from e


def _served(folder: pathlib.Path, saved: Any) -> Any:
  for found in saved.meta_graphs:
    if set(found.meta_info_def.tags) == {"serve"}:
      return found
  tags = [list(m.meta_info_def.tags) for m in saved.meta_graphs]
  raise ModelError(fault(str(folder), "must hold a graph tagged 'serve'", tags, EXPORT))


def functions(graph: Any) -> dict[str, Any]:
  """The functions of a MetaGraphDef's library by name."""
  return {f.signature.name: f for f in graph.graph_def.library.function}


def nodes(graph: Any) -> Iterator[Any]:
  """Every NodeDef of a MetaGraphDef, those inside its functions too: `stripped_op_list` lacks some of their ops."""
  yield from graph.graph_def.node
  for function in graph.graph_def.library.function:
    yield from function.node_def


def ops(graph: Any) -> set[str]:
  """Kinds of op in a MetaGraphDef, those inside its functions too; its own functions are not ops."""
  return {node.op for node in nodes(graph)} - functions(graph).keys()


def signatures(graph: Any) -> dict[str, Any]:
  """SignatureDefs by name, without the initialiser."""
  return {name: s for name, s in sorted(graph.signature_def.items()) if name != INIT}


def first_line(error: Exception) -> str:
  """What an error of TensorFlow says, in one line."""
  text = getattr(error, "message", None) or str(error)
  lines = [line.strip() for line in text.splitlines() if line.strip() not in ("", "Graph execution error:")]
  return " ".join(lines[0].split())[:200] if lines else type(error).__name__
