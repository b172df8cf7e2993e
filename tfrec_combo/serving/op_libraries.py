"""The op libraries that a SavedModel needs, brought in before its first request needs them."""

from collections.abc import Iterable

from tfrec_combo.base import stack
from tfrec_combo.base.errors import ModelError, StackError, fault
from tfrec_combo.base.stack import tf

# Tried in this order, each only while an op is still missing: most of tensorflow-text's ops have no prefix to know
# them by.
LIBRARIES = ("tf_text", "scann_ops")


def bring(ops: Iterable[str]) -> None:
  """Loads what registers `ops`.

  TensorFlow resolves the ops of a function at its first call, so without this a model whose library is missing loads and
  its first request fails.

  Raises:
    ModelError: an op stays unknown; it names the op and what to install.
  """
  missing = _unknown(ops)
  for name in LIBRARIES:
    if not missing:
      return
    try:
      stack.load(name)
    except StackError as e:
      raise ModelError(f"the model needs the op {missing[0]!r}, which this process does not know; {e}") from e
    missing = _unknown(missing)
  if missing:
    got = "neither from TensorFlow nor from tensorflow-text or scann"
    way_out = "install the versions `tfrec-combo doctor` names, or export the model again with those here"
    raise ModelError(fault(f"op {missing[0]!r}", "must be known to load the model", got, way_out))


def _unknown(ops: Iterable[str]) -> list[str]:
  graph = tf.Graph()

  def known(op: str) -> bool:
    try:
      graph.op_def_for_type(op)
    except (tf.errors.NotFoundError, RuntimeError, KeyError, ValueError):
      return False
    return True

  return sorted(op for op in ops if not known(op))
