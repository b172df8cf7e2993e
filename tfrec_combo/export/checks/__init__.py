"""What must hold of a SavedModel before it is published, one check a file; each reads the graph and runs nothing.

Checks that run the model, in a process of their own, are in `serving.golden`; the one without Python in `export.cpp`.
"""

from collections.abc import Callable
from typing import Any

from tfrec_combo.export.checks import devices, ops, searchers, signatures, variables

Check = Callable[[Any], None]

# In this order, so that the first fault told is the one to mend first.
STATIC: dict[str, Check] = {
  "signatures": signatures.check,
  "ops": ops.check,
  "variables": variables.check,
  "searchers": searchers.check,
  "devices": devices.check,
}


def check_graph(meta_graph: Any) -> None:
  """Runs every check of STATIC on a MetaGraphDef.

  Raises:
    ModelError: the first that fails; it says what is wrong and the way out.
  """
  for check in STATIC.values():
    check(meta_graph)
