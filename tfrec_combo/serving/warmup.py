"""Replays the warm-up requests of a version, as TF Serving does before it takes it."""

import pathlib
from collections.abc import Iterator

import numpy as np
from google.protobuf.message import DecodeError

from tfrec_combo.base.errors import DataError, ModelError, fault
from tfrec_combo.base.stack import load, tf
from tfrec_combo.serving.model import Model

FILE = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"
MOST = 1000  # records; one more fails the load
WAY_OUT = "export the model again"


def requests(folder: pathlib.Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
  """Signature and inputs of each record; none where there is no such file.

  Raises:
    ModelError: a record cannot be read, or asks for something else than a prediction.
  """
  path = pathlib.Path(folder) / FILE
  if not path.is_file():
    return
  log = load("prediction_log")
  try:
    for data in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
      record = log.PredictionLog.FromString(data)
      kind = record.WhichOneof("log_type")
      if kind != "predict_log":
        raise ModelError(fault(str(path), "must hold predictions", kind, WAY_OUT))
      request = record.predict_log.request
      inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
      yield request.model_spec.signature_name or "serving_default", inputs
  except (tf.errors.DataLossError, DecodeError) as e:
    raise ModelError(f"{path} cannot be read: {' '.join(str(e).split())[:100]}; {WAY_OUT}") from None


def replay(model: Model) -> int:
  """Answers every warm-up request of the model's folder; returns how many there are.

  Raises:
    ModelError: one fails or cannot be read, there are more than a server reads, or a signature has none.
  """
  asked: set[str] = set()
  count = 0
  for name, inputs in requests(model.folder):
    count += 1
    asked.add(name)
    try:
      model.predict(name, inputs)
    except DataError as e:
      raise ModelError(f"{FILE} record {count} fails, and with it the load in TF Serving: {e}") from e
  if count > MOST:
    raise ModelError(fault(str(FILE), f"must hold at most {MOST} requests", count, WAY_OUT))
  silent = sorted(set(model.signatures) - asked)
  if silent:
    # A signature that nobody asks may lack an op, and the first client would be told.
    raise ModelError(fault(str(FILE), "must ask every signature", f"none of {silent[0]}", WAY_OUT))
  return count
