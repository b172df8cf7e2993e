"""A SavedModel as TF Serving sees it: in session mode, in a process that imported none of this package."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

from tfrec_combo.base import stack

_SESSION = """
import json, sys
import numpy as np, tensorflow as tf, tensorflow_text
folder, name, inputs, out = sys.argv[1:]
with tf.compat.v1.Session(graph=tf.Graph()) as session:
  model = tf.compat.v1.saved_model.load(session, ["serve"], folder)
  signature = model.signature_def[name]
  feeds = {signature.inputs[k].name: v for k, v in json.loads(inputs).items()}
  np.savez(out, **session.run({k: v.name for k, v in signature.outputs.items()}, feeds))
assert not [m for m in sys.modules if m.startswith("tfrec_combo")]
"""


def answers(folder: pathlib.Path, inputs: dict, signature: str = "serving_default") -> dict[str, np.ndarray]:
  """Outputs of one signature, computed in session mode in a fresh process."""
  out = pathlib.Path(folder).parent / "answers.npz"
  command = [sys.executable, "-c", _SESSION, str(folder), signature, json.dumps(inputs), str(out)]
  environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
  done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
  assert done.returncode == 0, done.stderr[-2000:]
  return dict(np.load(out))


def unrestored(folder: pathlib.Path) -> set[str]:
  """Variables that a signature reads and no restore fills: right in Python, a failure in TF Serving."""
  stack.load("tf")  # first: it sets Keras 2
  from tensorflow.core.protobuf import saved_model_pb2

  saved = saved_model_pb2.SavedModel.FromString((pathlib.Path(folder) / "saved_model.pb").read_bytes())
  model = saved.meta_graphs[0]
  nodes = {node.name: node for node in model.graph_def.node}
  # The initialiser reads the paths of vocabulary files, which it fills itself.
  signatures = [s for name, s in model.signature_def.items() if name != "__saved_model_init_op"]
  outputs = [t.name for s in signatures for t in s.outputs.values()]
  read = _variables(nodes, outputs)
  return read - _variables(nodes, [model.saver_def.restore_op_name])


def _variables(nodes: dict, wanted: list[str]) -> set[str]:
  seen, todo = set(), [name.lstrip("^").partition(":")[0] for name in wanted]
  while todo:
    name = todo.pop()
    if name and name not in seen:
      seen.add(name)
      todo += [x.lstrip("^").partition(":")[0] for x in nodes[name].input]
  return {name for name in seen if nodes[name].op == "VarHandleOp"}
