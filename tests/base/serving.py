"""A SavedModel as TF Serving sees it: in session mode, in a process that imported none of this package."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

from tfrec_combo.base import saved_model
from tfrec_combo.export.checks import variables

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
  return variables.unrestored(saved_model.meta_graph(pathlib.Path(folder)))
