"""No op is bound to a device that a server need not have."""

from typing import Any

from tfrec_combo.base import saved_model
from tfrec_combo.base.errors import ModelError, fault
from tfrec_combo.base.stack import tf


def check(meta_graph: Any) -> None:
  """Raises a ModelError for a device other than none or the first CPU: a server of other devices refuses the whole model."""
  for node in saved_model.nodes(meta_graph):
    # "/job:localhost/replica:0/task:0" is every process's own name.
    device = tf.DeviceSpec.from_string(node.device)
    if (
      device.device_type not in (None, "CPU") or device.device_index or device.job not in (None, "localhost")
    ):
      way_out = "trace outside of tf.device, and save with the default experimental_variable_policy"
      raise ModelError(fault(f"device of {node.name}", "must be empty or CPU:0", node.device, way_out))
