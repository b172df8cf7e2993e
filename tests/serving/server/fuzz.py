"""Requests that nobody would write: half right, cut, mangled, far out of range. For tests and `benchmarks.serving.fuzz`."""

import http.client
import json
import time

import grpc
from hypothesis import strategies as st
from tensorflow_serving.apis import (
  classification_pb2,
  get_model_metadata_pb2,
  get_model_status_pb2,
  inference_pb2,
  predict_pb2,
  regression_pb2,
)

from tests.serving.server import contract
from tests.serving.server.odd_model import NAMES
from tfrec_combo.base.stack import tf

PATIENCE = 20.0  # seconds; who waits longer met a hang
# 500 and its kin are never right; these say that the server is well.
HEALTHY = {200, 400, 404, 413, 429, 501}
SICK = {"INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "UNAVAILABLE", "CANCELLED", "DATA_LOSS"}
FIELDS = [*contract.ECHO, *contract.ROW]
KEYS = ["instances", "inputs", "signature_name", "examples", "context", "x", "n", "b64", *FIELDS]
FILTERS = st.lists(st.sampled_from(["y", "scores", "z"]), max_size=2)
METHODS = ["tensorflow/serving/classify", "tensorflow/serving/regress", ""]

SIGNATURES = st.sampled_from(
  [*(n for n in NAMES if n != "slow"), "serving_default", "recommend", "combine", "none", ""]
)
NUMBERS = st.one_of(
  st.integers(-3, 3),
  st.sampled_from([2**24, 2**31, -(2**31) - 1, 2**63, 2**64, 10**400, 1e39, -1e308, 0.1]),
  st.floats(),
)
LEAVES = st.one_of(
  NUMBERS,
  st.booleans(),
  st.none(),
  st.text(max_size=5),
  st.sampled_from(["p1", "\ud800", "\udc80", "\x00", "dGVh"]),
  st.builds(lambda s: {"b64": s}, st.text("aZ0+/=*", max_size=6)),
)
VALUES = st.recursive(
  LEAVES,
  lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
  max_leaves=12,
)
MODELS = st.sampled_from(["odd", "shop", "none", "%6Fdd", "a%00b", "é", "odd "])
PATHS = st.one_of(
  st.builds(
    lambda m, which, verb: f"/v1/models/{m}{which}{verb}",
    MODELS,
    st.sampled_from(["", "", "/versions/1", "/versions/99999999999999999999", "/labels/stable", "/labels/%25", "/versions/٣"]),
    st.sampled_from([":predict", ":predict", ":classify", ":regress", ":PREDICT", "", "/metadata", ":x", ":"]),
  ),
  st.text("/v1models:%.?#&é", max_size=20).map("/".__add__),
)  # fmt: skip
ROWS = st.builds(
  lambda row, change: {**row, **change},
  st.sampled_from([contract.ROW, contract.ECHO, {"x": 1.0}]),
  st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2),
)


def _body(signature, values, form):
  shaped = values if form in ("instances", "examples") else values[0] if values else values
  return {form: shaped} | ({"signature_name": signature} if signature else {})


DOCUMENTS = st.one_of(
  VALUES,
  st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4),
  st.builds(_body, SIGNATURES, st.lists(ROWS | VALUES, max_size=3), st.sampled_from(["instances", "inputs", "examples"])),
)  # fmt: skip


def _mangled(body: bytes, places: list[tuple[int, bytes, int]]) -> bytes:
  for place, put, cut in places:
    at = place % (len(body) + 1)
    body = body[:at] + put + body[at + cut :]
  return body


def _bytes(body: object) -> bytes:
  return body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()


BODIES = st.builds(
  _mangled,
  DOCUMENTS.map(lambda doc: json.dumps(doc).encode("utf-8", "surrogatepass")),
  st.lists(st.tuples(st.integers(0, 9999), st.binary(max_size=2), st.integers(0, 3)), max_size=2)
  | st.just([]),
)
# What a contract's row asks, as it stands or mangled: these come far.
ROWS_OF_CONTRACT = st.builds(
  lambda row, places: (row[1], row[2], _mangled(_bytes(row[3]), places), {}),
  st.sampled_from(contract.REST),
  st.lists(st.tuples(st.integers(0, 9999), st.binary(max_size=2), st.integers(0, 3)), max_size=2)
  | st.just([]),
)
REST = ROWS_OF_CONTRACT | st.tuples(
  st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "OPTIONS", "HEAD"]),
  PATHS,
  BODIES | st.binary(max_size=30),
  st.sampled_from(
    [{}, {}, {}, {"Content-Encoding": "gzip"}, {"Content-Type": "text/plain"}, {"Origin": "http://x"}]
  ),
)


class RestFuzz:
  """Sends requests over one connection and says what is wrong with the answers."""

  def __init__(self, port: int):
    self._port = port
    self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

  def fault(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> str | None:
    """None where the answer is one of a healthy server."""
    started = time.monotonic()
    try:
      try:
        response, said = self._sent(method, path, body, headers)
      except (ConnectionError, http.client.HTTPException):
        # A server may end a connection after a request that is no HTTP; not a new one's first.
        self._connection.close()
        response, said = self._sent(method, path, body, headers)
    except (http.client.InvalidURL, UnicodeEncodeError):
      self._connection.close()  # this client refuses to send it
      return None
    if response.status not in HEALTHY:
      return f"HTTP {response.status}: {said[:300]!r}"
    if response.headers.get("content-type") == "application/json" and method != "HEAD":
      try:
        json.loads(said)
      except ValueError:
        return f"no JSON: {said[:300]!r}"
    if time.monotonic() - started > PATIENCE:
      return "a hang"
    return None

  def _sent(self, method: str, path: str, body: bytes, headers: dict[str, str]):
    quoted = path.encode("utf-8").decode("latin-1")  # as bytes beyond ASCII go over the wire
    self._connection.putrequest(method, quoted.replace(" ", "%20"), skip_accept_encoding=True)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
      self._connection.putheader(name, value)
    self._connection.endheaders(body)
    response = self._connection.getresponse()
    return response, response.read()


TensorProto = type(tf.make_tensor_proto(0.0))
SIZES = st.one_of(st.integers(-2, 4), st.sampled_from([1025, 2**31, 2**62]))


def _tensor(dtype, sizes, unknown, floats, strings, ints, content):
  proto = TensorProto(dtype=dtype, tensor_content=content)
  proto.tensor_shape.unknown_rank = unknown
  for size in sizes:
    proto.tensor_shape.dim.add(size=size)
  proto.float_val.extend(floats)
  proto.string_val.extend(strings)
  proto.int_val.extend(ints)
  proto.int64_val.extend(ints)
  return proto


TENSORS = st.one_of(
  st.builds(
    _tensor,
    st.sampled_from([1, 1, 7, 7, 3, 9, 10, 2, 19, 14, 0, 20, 21, 23, 101, 12345]),
    st.lists(SIZES, max_size=3),
    st.sampled_from([False, False, False, True]),
    st.lists(st.floats(width=32), max_size=3),
    st.lists(st.binary(max_size=4), max_size=3),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
    st.just(b"") | st.binary(max_size=16),
  ),
  st.lists(st.floats(width=32), max_size=4).map(lambda v: tf.make_tensor_proto(v, tf.float32)),
)
INPUTS = st.dictionaries(st.sampled_from(["x", "inputs", *contract.ECHO, *contract.ROW]), TENSORS, max_size=4)


def _spec(spec, model, signature, version, label):
  spec.name, spec.signature_name = model, signature
  if version is not None:
    spec.version.value = version
  if label is not None:
    spec.version_label = label


def _predict(spec, inputs, base, output_filter):
  asked = predict_pb2.PredictRequest(output_filter=output_filter)
  _spec(asked.model_spec, *spec)
  for name, value in {**base, **inputs}.items():
    asked.inputs[name].CopyFrom(value)
  return "Predict", asked


def _examples(kind, spec, examples, context):
  asked = {"Classify": classification_pb2.ClassificationRequest, "Regress": regression_pb2.RegressionRequest}[
    kind
  ]()
  _spec(asked.model_spec, *spec)
  _input(asked.input, examples, context)
  return kind, asked


def _input(given, examples, context):
  target = given.example_list_with_context if context is not None else given.example_list
  target.examples.extend(examples)
  if context is not None:
    target.context.CopyFrom(context)


def _multi(specs, methods, examples):
  asked = inference_pb2.MultiInferenceRequest()
  for spec, method in zip(specs, methods):
    task = asked.tasks.add(method_name=method)
    _spec(task.model_spec, *spec)
  _input(asked.input, examples, None)
  return "MultiInference", asked


def _metadata(spec, fields):
  asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
  _spec(asked.model_spec, *spec)
  return "GetModelMetadata", asked


def _status(spec):
  asked = get_model_status_pb2.GetModelStatusRequest()
  _spec(asked.model_spec, *spec)
  return "GetModelStatus", asked


def _example(values):
  example = tf.train.Example()
  example.features.feature["x"].float_list.value.extend(values)
  return example


def _spoilt(right, change):
  spec, base = right
  names = sorted(base)
  return _predict(spec, {names[i % len(names)]: value for i, value in change.items()}, base, [])


SPECS = st.tuples(
  st.sampled_from(["odd", "odd", "shop", "none", "", "é/:"]),
  SIGNATURES,
  st.sampled_from([None, None, None, 1, 2, -1, 2**62]),
  st.sampled_from([None, None, None, "stable", "x"]),
)
_TYPES = {"history_days": tf.float32, "i32": tf.int32, "u8": tf.uint8, "f32": tf.float32, "f64": tf.float64}
_SHOP, _ECHO = (
  {k: tf.make_tensor_proto([v], _TYPES.get(k)) for k, v in row.items()}
  for row in (contract.ROW, contract.ECHO)
)
_X = {"x": tf.make_tensor_proto([1.0])}
# Requests that are right, to be spoilt a little.
RIGHT = [
  (("odd", "", None, None), _X),
  (("odd", "double", 1, None), _X),
  (("odd", "add", None, "stable"), _X),
  (("odd", "echo", None, None), _ECHO),
  (("shop", "", None, None), _SHOP),
  (("shop", "complete_basket", None, None), _SHOP),
]
EXAMPLES = st.lists(st.lists(st.floats(width=32), max_size=2).map(_example), max_size=3)
RPC = st.one_of(
  st.builds(_spoilt, st.sampled_from(RIGHT), st.dictionaries(st.integers(0, 9), TENSORS, max_size=1)),
  st.builds(_predict, SPECS, INPUTS, st.sampled_from([_X, _ECHO, _SHOP, {}]), FILTERS),
  st.builds(_examples, st.sampled_from(["Classify", "Regress"]), SPECS, EXAMPLES, st.none() | st.just(_example([1.0]))),
  st.builds(_multi, st.lists(SPECS, max_size=3), st.lists(st.sampled_from(METHODS), min_size=3), EXAMPLES),
  st.builds(_metadata, SPECS, st.lists(st.sampled_from(["signature_def", "x"]), max_size=2)),
  st.builds(_status, SPECS),
)  # fmt: skip


class RpcFuzz:
  """As `RestFuzz`, for both services of gRPC."""

  def __init__(self, predictions, models):
    self._predictions, self._models = predictions, models

  def fault(self, method: str, asked) -> str | None:
    """None where the answer is one of a healthy server."""
    stub = self._models if method == "GetModelStatus" else self._predictions
    try:
      getattr(stub, method)(asked, timeout=PATIENCE)
    except grpc.RpcError as e:
      return f"{method} {e.code().name}: {e.details()}" if e.code().name in SICK else None
    return None
