"""Every op is one that the servers this model is for have."""

from collections.abc import Iterable
from typing import Any

from tfrec_combo.base import saved_model
from tfrec_combo.base.errors import ModelError, fault
from tfrec_combo.base.stack import tf
from tfrec_combo.export.checks.op_sets import PYTHON, SCANN, SERVERS, TEXT

FLAVOURS = {"scann": "TF Serving 2.20 built with ScaNN", "portable": "TF Serving 2.20"}


def check(meta_graph: Any) -> None:
  """Raises a ModelError for an op that no server has, or a function that only XLA runs."""
  check_for("TF Serving 2.20 built with ScaNN")(meta_graph)


def check_for(server: str) -> Any:
  """The check for one of SERVERS."""

  def checked(meta_graph: Any) -> None:
    lacking = missing(saved_model.ops(meta_graph))[server]
    if lacking:
      raise ModelError(
        fault("ops", f"must be those of {server}", ", ".join(sorted(lacking)), way_out(lacking))
      )
    compiled = _compiled(meta_graph)
    if compiled:
      # TF Serving runs XLA on a CPU only under --xla_cpu_compilation_enabled.
      raise ModelError(
        fault("functions", "must run without XLA", compiled[0], "trace them without jit_compile=True")
      )

  return checked


def missing(ops: Iterable[str]) -> dict[str, set[str]]:
  """What each of SERVERS lacks of `ops`."""
  others = {op for op in ops if op in TEXT | SCANN | PYTHON or not _of_tensorflow(op)}
  return {server: others - linked for server, linked in SERVERS.items()}


def way_out(lacking: Iterable[str]) -> str:
  """How to do without `lacking`."""
  lacking = set(lacking)
  if lacking & PYTHON:
    return "write the function in TensorFlow ops: no server has a Python to call"
  if lacking & SCANN:
    return "export with `--flavour portable`, or serve it with a server that links ScaNN's ops"
  if lacking & TEXT:
    return (
      "pack tokens with StartEndPacker or truncate='waterfall', or serve it with TF Serving 2.20 or later"
    )
  return "use ops of TensorFlow or tensorflow-text; TF Serving loads no other library"


def _compiled(meta_graph: Any) -> list[str]:
  every = saved_model.functions(meta_graph).items()
  found = [name for name, f in every if f.attr["_XlaMustCompile"].b]
  return found + [n.name for n in saved_model.nodes(meta_graph) if n.attr["_XlaMustCompile"].b]


_graph = None


def _of_tensorflow(op: str) -> bool:
  global _graph
  _graph = _graph or tf.Graph()
  if ">" in op:  # a library's own name space
    return False
  try:
    _graph.op_def_for_type(op)
  except (tf.errors.NotFoundError, RuntimeError, KeyError, ValueError):
    return False
  return True
