"""Requests that a server answers before it takes a version: `assets.extra/tf_serving_warmup_requests`.

TensorFlow finds a missing op at the first request that needs it, not when it loads. With a request to every signature a
version that cannot answer is not taken, and the old one goes on. The first request also makes the ScaNN searcher and the
text tower's kernels, so that no client waits for those.
"""

import pathlib
from typing import Any

import numpy as np

from tfrec_combo.base.stack import load, tf

FILE = "assets.extra/tf_serving_warmup_requests"


def write(
  folder: pathlib.Path,
  name: str,
  asked: dict[str, dict[str, np.ndarray]],
  left_out: dict[str, tuple[str, ...]],
) -> None:
  """Writes real requests to each signature: its last golden request alone, as it is and without what has a default, and all of
  them as one batch.

  Args:
    name: of the model, as clients will call it.
    asked: inputs of each signature, [B, ...] each.
    left_out: inputs with defaults by signature.
  """
  log = load("prediction_log")
  path = pathlib.Path(folder) / FILE
  path.parent.mkdir(exist_ok=True)
  with tf.io.TFRecordWriter(str(path)) as out:
    for signature, inputs in asked.items():
      usual = left_out.get(signature, ())
      one = {k: v[-1:] for k, v in inputs.items()}
      short = {k: v for k, v in one.items() if k not in usual}
      # A request without any input is no request.
      for values in (one, *([short] if 0 < len(short) < len(one) else []), inputs):
        out.write(_record(log, name, signature, values).SerializeToString(deterministic=True))


def _record(log: Any, name: str, signature: str, inputs: dict[str, np.ndarray]) -> Any:
  record = log.PredictionLog()
  request = record.predict_log.request
  request.model_spec.name, request.model_spec.signature_name = name, signature
  for key, value in inputs.items():
    text = value.dtype == object
    content, kind = (value.ravel().tolist(), tf.string) if text else (value, None)
    request.inputs[key].CopyFrom(tf.make_tensor_proto(content, kind, value.shape))
  return record
