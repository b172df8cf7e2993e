"""Each ScaNN index of a SavedModel has a searcher of its own."""

from collections.abc import Iterator
from typing import Any

from tfrec_combo.base import saved_model
from tfrec_combo.base.errors import ModelError, fault

MAKES = "Scann>TensorsToScann"
PASSES_ON = ("ReadVariableOp", "Identity")


def check(meta_graph: Any) -> None:
  """Raises a ModelError where a searcher has no shared name, or two indexes have the same.

  Under Python's loader they would then answer with each other's products: it names a searcher after its node, and nodes of
  one load have one suffix.
  """
  made: dict[bytes, set[str]] = {}
  way_out = "pass shared_name='scann-' + a new uuid to tensors_to_scann, once an index"
  for node in saved_model.nodes(meta_graph):
    if node.op == MAKES and not node.attr["shared_name"].s:
      raise ModelError(fault(f"searcher {node.name}", "must have a shared_name", "none", way_out))
  for name, data in searchers(meta_graph):
    made.setdefault(name, set()).add(data)
  for name, sources in made.items():
    if len(sources) > 1:
      rule = "must be the searcher's of one index"
      raise ModelError(fault(f"shared_name {name.decode()}", rule, ", ".join(sorted(sources)), way_out))


def searchers(meta_graph: Any) -> Iterator[tuple[bytes, str]]:
  """(shared_name, the variable its vectors come from) of each searcher that a signature makes."""
  library = saved_model.functions(meta_graph)
  main = {node.name: node for node in meta_graph.graph_def.node}
  yield from _within(main, {}, library)


def _within(
  nodes: dict[str, Any], given: dict[str, str], library: dict[str, Any]
) -> Iterator[tuple[bytes, str]]:
  """Searchers of a graph whose arguments come from the variables `given`, and of the functions it calls."""

  def source(tensor: str) -> str:
    name = tensor.partition(":")[0]
    while name in nodes and nodes[name].op in PASSES_ON:
      name = nodes[name].input[0].partition(":")[0]
    return given.get(name, name)

  for node in nodes.values():
    data = [x for x in node.input if not x.startswith("^")]
    if node.op == MAKES:
      yield node.attr["shared_name"].s, source(data[0])
    for called in _called(node):
      if called in library:
        function = library[called]
        names = [a.name for a in function.signature.input_arg]
        # If and Case take their condition first; the arguments of what they call are the last.
        passed = dict(zip(names, map(source, data[len(data) - len(names) :])))
        yield from _within({n.name: n for n in function.node_def}, passed, library)


def _called(node: Any) -> Iterator[str]:
  if node.op:
    for value in node.attr.values():
      if value.HasField("func"):
        yield value.func.name
      yield from (f.name for f in value.list.func)
