"""The client over gRPC, through tensorflow-serving-api (which brings TensorFlow)."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import numpy as np
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from tfrec_combo.client import signatures
from tfrec_combo.client.client import Client
from tfrec_combo.client.retry import ServerError
from tfrec_combo.client.signatures import TYPES, Signature, Tensor

AGAIN = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
_NUMBERS = {"DT_FLOAT": 1, "DT_DOUBLE": 2, "DT_INT32": 3, "DT_STRING": 7, "DT_INT64": 9, "DT_BOOL": 10}
_BY_TYPE = {dtype: (_NUMBERS[name], field) for name, (dtype, field) in TYPES.items()}


class GrpcClient(Client):
  """A `Client` over gRPC.

  Args:
    address: of the server, such as "127.0.0.1:8500".
    model: its name there.
    version: a version's number; label: or a label; neither: the newest.
    token: bearer token, where the server wants one.
    credentials: of `grpc.ssl_channel_credentials`, for TLS.
  """

  def __init__(
    self,
    address: str,
    model: str,
    *,
    version: int | None = None,
    label: str | None = None,
    token: str | None = None,
    credentials: grpc.ChannelCredentials | None = None,
    timeout: float = 5.0,
    retries: int = 3,
  ):
    super().__init__(timeout, retries)
    # The library's own limit of 4 MiB is less than a batch of answers may take.
    options = [("grpc.max_receive_message_length", -1)]
    self._channel = (
      grpc.secure_channel(address, credentials, options)
      if credentials
      else grpc.insecure_channel(address, options)
    )
    self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
    self._metadata_sent: Sequence[tuple[str, str]] = [("authorization", f"Bearer {token}")] if token else []
    self._model, self._version, self._label = model, version, label

  def close(self) -> None:
    """Lets the connection go."""
    self._channel.close()

  def _metadata(self, seconds: float) -> Mapping[str, Signature]:
    asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    self._name(asked.model_spec)
    answer = self._ask(self._stub.GetModelMetadata, asked, seconds)
    found = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)
    said = json_format.MessageToDict(found, preserving_proto_field_name=True)
    return signatures.read({"metadata": {"signature_def": said}})

  def _predict(
    self, name: str, signature: Signature, inputs: Mapping[str, np.ndarray], seconds: float
  ) -> dict[str, np.ndarray]:
    asked = predict_pb2.PredictRequest()
    self._name(asked.model_spec)
    asked.model_spec.signature_name = name
    for key, value in inputs.items():
      _fill(asked.inputs[key], value)
    answer = self._ask(self._stub.Predict, asked, seconds)
    return {key: _array(answer.outputs[key], tensor) for key, tensor in signature.outputs.items()}

  def _name(self, spec: Any) -> None:
    spec.name = self._model
    if self._version is not None:
      spec.version.value = self._version
    elif self._label is not None:
      spec.version_label = self._label

  def _ask(self, call: Any, asked: Any, seconds: float) -> Any:
    try:
      return call(asked, timeout=seconds, metadata=self._metadata_sent)
    except grpc.RpcError as e:
      raise ServerError(e.code().name, e.details() or "", e.code() in AGAIN) from e


def _fill(proto: Any, value: np.ndarray) -> None:
  number, field = _BY_TYPE[value.dtype]
  proto.dtype = number
  for size in value.shape:
    proto.tensor_shape.dim.add(size=size)
  flat = value.reshape(-1).tolist()
  getattr(proto, field).extend([v.encode() for v in flat] if value.dtype == object else flat)


def _array(proto: Any, tensor: Tensor) -> np.ndarray:
  shape = [dim.size for dim in proto.tensor_shape.dim]
  if proto.tensor_content and tensor.dtype != object:
    return np.frombuffer(proto.tensor_content, tensor.dtype).reshape(shape)
  values = list(getattr(proto, _BY_TYPE[tensor.dtype][1]))
  if tensor.dtype == object:
    values = [v.decode("utf-8", "replace") for v in values]
  filled = np.array(values, tensor.dtype)
  # A server may write one value for a tensor that holds it everywhere.
  return np.broadcast_to(filled, shape) if filled.size == 1 else filled.reshape(shape)
