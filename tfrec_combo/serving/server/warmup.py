"""Replays the requests that a SavedModel brings along, before it is served."""

import pathlib

from tensorflow_serving.apis import prediction_log_pb2

from tfrec_combo.base.stack import tf
from tfrec_combo.serving.model import Model
from tfrec_combo.serving.server import predict, protos
from tfrec_combo.serving.server.status import Code, Refused

FILE = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"
MOST = 1000  # records, as TF Serving allows
MOST_ROWS = 1 << 16  # of one request: the file is the exporter's, not a stranger's


def replay(model: Model) -> int:
  """Asks `model` each recorded request and returns their number, 0 where it brings none.

  Raises:
    Refused: a record cannot be read or answered, or there are too many; TF Serving refuses such a version, too.
  """
  path = model.folder / FILE
  if not path.is_file():
    return 0
  asked = 0
  try:
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
      asked += 1
      if asked > MOST:
        raise Refused(Code.INVALID_ARGUMENT, f"{path} must hold at most {MOST} requests")
      _ask(model, record, f"{path}, request {asked}")
  except tf.errors.OpError as e:
    raise Refused(Code.DATA_LOSS, f"{path} cannot be read: {e.message}") from e
  return asked


def _ask(model: Model, record: bytes, where: str) -> None:
  log = prediction_log_pb2.PredictionLog()
  try:
    log.ParseFromString(record)
  except Exception as e:  # protobuf's DecodeError, a class of the implementation in use
    raise Refused(Code.DATA_LOSS, f"{where} is no PredictionLog") from e
  if log.WhichOneof("log_type") != "predict_log":
    raise Refused(Code.UNIMPLEMENTED, f"{where} must be a predict_log, got {log.WhichOneof('log_type')}")
  request = log.predict_log.request
  try:
    signature = predict.signature_of(model, request.model_spec.signature_name)
    arrays = predict.complete(signature, protos.inputs(request.inputs, signature, MOST_ROWS), MOST_ROWS)
    wanted = predict.chosen(signature, request.output_filter)
    predict.run(model, request.model_spec.signature_name or predict.DEFAULT_SIGNATURE, arrays, wanted, None)
  except Refused as e:
    raise Refused(e.code, f"{where} is not answered: {e.message}") from e
