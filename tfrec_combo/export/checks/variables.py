"""Every variable that a signature reads is filled by the restore."""

from collections.abc import Iterable
from typing import Any

from tfrec_combo.base import saved_model
from tfrec_combo.base.errors import ModelError, fault


def check(meta_graph: Any) -> None:
  """Raises a ModelError for a variable that Python's loader forgives and TF Serving does not find.

  A Keras 3 object held by a `tf.Module` is saved as a copy: the copy is restored, and the signatures read the original.
  """
  lacking = unrestored(meta_graph)
  if lacking:
    way_out = "hold the raw variables (`v.value`) on the module that is saved, and no Keras 3 object"
    raise ModelError(fault("variables", "must all be restored", ", ".join(sorted(lacking)[:5]), way_out))


def unrestored(meta_graph: Any) -> set[str]:
  """Names of variables that a signature reads and no restore fills."""
  outputs = [t.name for s in saved_model.signatures(meta_graph).values() for t in s.outputs.values()]
  nodes = {node.name: node for node in meta_graph.graph_def.node}
  return _variables(nodes, outputs) - _variables(nodes, [meta_graph.saver_def.restore_op_name])


def _variables(nodes: dict[str, Any], wanted: Iterable[str]) -> set[str]:
  seen: set[str] = set()
  todo = [_node(name) for name in wanted]
  while todo:
    name = todo.pop()
    if name in nodes and name not in seen:
      seen.add(name)
      todo += [_node(x) for x in nodes[name].input]
  return {name for name in seen if nodes[name].op == "VarHandleOp"}


def _node(tensor: str) -> str:
  return tensor.lstrip("^").partition(":")[0]
