"""gRPC through tensorflow-serving-api's own stubs, as any client of TF Serving has it."""

# ruff: noqa: E501  a row a line, or they are no tables

import threading

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import (
  classification_pb2,
  get_model_metadata_pb2,
  get_model_status_pb2,
  inference_pb2,
  model_management_pb2,
  model_service_pb2_grpc,
  predict_pb2,
  prediction_service_pb2_grpc,
  regression_pb2,
)

from tests.serving.fake_model import inputs
from tests.serving.server import contract, running
from tests.serving.server.odd_model import SLOW
from tfrec_combo.base.stack import tf
from tfrec_combo.serving.server.batching import Batching


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  return running.models(tmp_path_factory)


@pytest.fixture(scope="module")
def server(served):
  with running.server(served) as started:
    yield started


class Stubs:
  """Both services of a server."""

  def __init__(self, port):
    self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
    self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)


@pytest.fixture(scope="module")
def stubs(server):
  return Stubs(server.grpc_port)


def request(model, signature="", version=None, label=None, output_filter=(), **values):
  asked = predict_pb2.PredictRequest(output_filter=output_filter)
  asked.model_spec.name, asked.model_spec.signature_name = model, signature
  if version is not None:
    asked.model_spec.version.value = version
  if label is not None:
    asked.model_spec.version_label = label
  for name, value in values.items():
    asked.inputs[name].CopyFrom(value if isinstance(value, TensorProto) else tf.make_tensor_proto(value))
  return asked


TensorProto = type(tf.make_tensor_proto(0.0))
X = np.array([1, 2.5], np.float32)


def proto(text):
  return text_format.Parse(text, TensorProto())


ANSWERED = [
  ("the newest version", dict(model="odd", x=X), {"y": [3.0, 7.5]}, 2),
  ("a version", dict(model="odd", version=1, x=X), {"y": [2.0, 5.0]}, 1),
  ("a label", dict(model="odd", label="stable", x=X), {"y": [2.0, 5.0]}, 1),
  ("a signature", dict(model="odd", signature="scalar", x=np.float32(2)), {"y": 6.0}, 2),
  ("a float16", dict(model="odd", signature="half", x=np.array([1.5], np.float16)), {"y": [3.0]}, 2),
  ("one output of many", dict(model="shop", output_filter=["prices"], **inputs(1)), {"prices": [contract.ANSWER["prices"]]}, 1),
  ("every output", dict(model="shop", **inputs(1)), {"product_ids": [[i.encode() for i in contract.BEST]], "scores": [contract.ANSWER["scores"]], "prices": [contract.ANSWER["prices"]]}, 1),
  ("an input left to its default", dict(model="odd", signature="add", x=X), {"y": [11.0, 12.5]}, 2),
  ("a value for the whole shape", dict(model="odd", x=proto("dtype: DT_FLOAT tensor_shape { dim { size: 3 } } float_val: 2")), {"y": [6.0] * 3}, 2),
  ("no rows", dict(model="odd", x=np.zeros([0], np.float32)), {"y": []}, 2),
  ("strings as C++ packs them", dict(model="odd", signature="strings", x=proto(r'dtype: DT_STRING tensor_shape { dim { size: 1 } dim { size: 2 } } tensor_content: "\001\002abc"')), {"y": [[b"a", b"bc"]]}, 2),
]  # fmt: skip

REFUSED = [
  ("no model", dict(model="", x=X), "INVALID_ARGUMENT", "Missing ModelSpec"),
  ("an unknown model", dict(model="none", x=X), "NOT_FOUND", "Servable not found for request: Latest(none)"),
  ("an unknown version", dict(model="odd", version=9, x=X), "NOT_FOUND", "Servable not found for request: Specific(odd, 9)"),
  ("an unknown label", dict(model="odd", label="new", x=X), "INVALID_ARGUMENT", "Unrecognized servable version label: new"),
  ("an unknown signature", dict(model="odd", signature="z", x=X), "FAILED_PRECONDITION", 'Serving signature key "z" not found.'),
  ("an input missing", dict(model="odd"), "INVALID_ARGUMENT", "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. Missing but required: {x}."),
  ("an input too many", dict(model="odd", x=X, z=X), "INVALID_ARGUMENT", "Sent extra: {z}."),
  ("an unknown output", dict(model="odd", output_filter=["z"], x=X), "INVALID_ARGUMENT", "output tensor alias not found in signature: z Outputs expected to be in the set {y}."),
  ("an output twice", dict(model="odd", output_filter=["y", "y"], x=X), "INVALID_ARGUMENT", "duplicate output tensor alias: y"),
  ("another type", dict(model="odd", x=X.astype(np.float64)), "INVALID_ARGUMENT", "input x must be float32 [B], got float64 [2]"),
  ("another rank", dict(model="odd", x=X[None]), "INVALID_ARGUMENT", "input x must be float32 [B], got float32 [1, 2]"),
  ("a type of no number", dict(model="odd", x=proto("dtype: DT_RESOURCE")), "INVALID_ARGUMENT", "input x must be"),
  ("a type of the future", dict(model="odd", x=proto("dtype: 12345")), "INVALID_ARGUMENT", "input x must be"),
  ("an unknown rank", dict(model="odd", x=proto("dtype: DT_FLOAT tensor_shape { unknown_rank: true }")), "INVALID_ARGUMENT", "input x must be"),
  ("a negative size", dict(model="odd", x=proto("dtype: DT_FLOAT tensor_shape { dim { size: -1 } }")), "INVALID_ARGUMENT", "input x must be"),
  ("rows without end", dict(model="odd", x=proto("dtype: DT_FLOAT tensor_shape { dim { size: 9000000000000000000 } } float_val: 1")), "INVALID_ARGUMENT", "takes at most 1024"),
  ("columns without end", dict(model="odd", signature="strings", x=proto('dtype: DT_STRING tensor_shape { dim { size: 2 } dim { size: 9000000000 } } string_val: "a"')), "INVALID_ARGUMENT", "must hold at most"),
  ("too few bytes", dict(model="odd", x=proto(r'dtype: DT_FLOAT tensor_shape { dim { size: 3 } } tensor_content: "\001\002\003"')), "INVALID_ARGUMENT", "input x cannot be read"),
  ("too many values", dict(model="odd", x=proto("dtype: DT_FLOAT tensor_shape { dim { size: 1 } } float_val: [1, 2]")), "INVALID_ARGUMENT", "input x cannot be read"),
  ("what the graph refuses", dict(model="shop", signature="embed_queries", **inputs(1, query=["longer than seven"])), "INVALID_ARGUMENT", "query too long"),
]  # fmt: skip


@pytest.mark.parametrize(
  ("asked", "answer", "version"), [r[1:] for r in ANSWERED], ids=[r[0] for r in ANSWERED]
)
def test_what_is_answered(stubs, asked, answer, version):
  response = stubs.predictions.Predict(request(**asked))
  found = {name: tf.make_ndarray(value).tolist() for name, value in response.outputs.items()}
  assert found == answer
  assert response.model_spec.version.value == version
  assert response.model_spec.name == asked["model"]
  assert response.model_spec.signature_name == asked.get("signature", "serving_default")


@pytest.mark.parametrize(("asked", "code", "words"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_is_refused(stubs, asked, code, words):
  with pytest.raises(grpc.RpcError) as e:
    stubs.predictions.Predict(request(**asked))
  assert e.value.code().name == code
  assert words in e.value.details()


def test_every_type_comes_back_as_it_went_in_typed_fields(stubs):
  values = {
    "i64": np.array([2**62]),
    "i32": np.array([-2], np.int32),
    "u8": np.array([255], np.uint8),
    "f32": np.array([[0.1, np.nan]], np.float32),
    "f64": np.array([1 / 3]),
    "flag": np.array([True]),
    "text": np.array([b"\xff tea"], object),
  }
  outputs = stubs.predictions.Predict(request("odd", "echo", **values)).outputs
  for name, value in values.items():
    assert not outputs[name].tensor_content
    np.testing.assert_array_equal(tf.make_ndarray(outputs[name]), value)
  assert tf.make_ndarray(outputs["raw_bytes"]).tolist() == [b"\xff tea"]


def test_rest_and_grpc_give_the_same_numbers(server, stubs):
  asked = inputs(2, query=["p3", ""])
  rows = [{k: v.tolist()[i] for k, v in asked.items()} for i in range(2)]
  said = running.ask(server.rest_port, "POST", "/v1/models/shop:predict", {"instances": rows})[1][
    "predictions"
  ]
  outputs = stubs.predictions.Predict(request("shop", **asked)).outputs
  for name in ("scores", "prices"):
    np.testing.assert_array_equal(
      np.array([row[name] for row in said], np.float32), tf.make_ndarray(outputs[name])
    )


def test_classify_regress_and_both(stubs):
  x = lambda value: tf.train.Example(features=tf.train.Features(feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[value]))}))  # fmt: skip
  classify = classification_pb2.ClassificationRequest()
  classify.model_spec.name, classify.model_spec.signature_name = "odd", "classify"
  classify.input.example_list.examples.append(x(0.25))
  (row,) = stubs.predictions.Classify(classify).result.classifications
  assert [(c.label, c.score) for c in row.classes] == [("low", 0.75), ("high", 0.25)]

  regress = regression_pb2.RegressionRequest()
  regress.model_spec.name, regress.model_spec.signature_name = "odd", "regress"
  regress.input.example_list_with_context.context.CopyFrom(x(2.0))
  regress.input.example_list_with_context.examples.add()
  assert [r.value for r in stubs.predictions.Regress(regress).result.regressions] == [6.0]

  both = inference_pb2.MultiInferenceRequest(input=classify.input)
  for method in ("classify", "regress"):
    task = both.tasks.add(method_name=f"tensorflow/serving/{method}")
    task.model_spec.name, task.model_spec.signature_name = "odd", method
  one, other = stubs.predictions.MultiInference(both).results
  assert one.classification_result.classifications[0].classes[1].score == 0.25
  assert other.regression_result.regressions[0].value == 0.75
  both.tasks[1].method_name = "tensorflow/serving/predict"
  refused(stubs.predictions.MultiInference, both, "UNIMPLEMENTED", "Unsupported signature method_name")
  both.tasks[1].CopyFrom(both.tasks[0])
  refused(
    stubs.predictions.MultiInference, both, "INVALID_ARGUMENT", "Duplicate evaluation of signature: classify"
  )
  classify.input.Clear()
  refused(stubs.predictions.Classify, classify, "INVALID_ARGUMENT", "Input is empty.")


def refused(call, asked, code, words):
  with pytest.raises(grpc.RpcError) as e:
    call(asked)
  assert e.value.code().name == code
  assert words in e.value.details()


def test_metadata_is_what_was_saved(stubs):
  asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
  asked.model_spec.name = "odd"
  response = stubs.predictions.GetModelMetadata(asked)
  assert (response.model_spec.name, response.model_spec.version.value) == ("odd", 2)
  signatures = get_model_metadata_pb2.SignatureDefMap()
  assert response.metadata["signature_def"].Unpack(signatures)
  assert signatures.signature_def["strings"].inputs["x"].dtype == tf.string.as_datatype_enum
  asked.metadata_field[:] = ["other"]
  refused(
    stubs.predictions.GetModelMetadata, asked, "INVALID_ARGUMENT", "Metadata field other is not supported"
  )
  asked.metadata_field[:] = []
  refused(stubs.predictions.GetModelMetadata, asked, "INVALID_ARGUMENT", "at least one metadata_field")


def test_status_is_newest_first(stubs):
  asked = get_model_status_pb2.GetModelStatusRequest()
  refused(stubs.models.GetModelStatus, asked, "INVALID_ARGUMENT", "Missing ModelSpec")
  asked.model_spec.name = "odd"
  found = stubs.models.GetModelStatus(asked).model_version_status
  assert [(s.version, s.state) for s in found] == [(2, 30), (1, 30)]
  asked.model_spec.version.value = 5
  refused(stubs.models.GetModelStatus, asked, "NOT_FOUND", "Could not find version 5 of model odd")


def config(served, **version_of):
  text = "".join(
    f'config {{ name: "{name}" base_path: "{served[name].base}" model_platform: "tensorflow"'
    f" model_version_policy {{ specific {{ versions: {version} }} }} version_labels {{ key: 'now' value: {version} }} }}"
    for name, version in version_of.items()
  )
  return text_format.Parse(
    f"config {{ model_config_list {{ {text} }} }}", model_management_pb2.ReloadConfigRequest()
  )


def test_another_config_takes_the_place_of_the_first(served):
  with running.server(served) as server:
    stubs = Stubs(server.grpc_port)
    assert stubs.models.HandleReloadConfigRequest(config(served, odd=1)).status.error_code == 0
    outputs = stubs.predictions.Predict(request("odd", label="now", x=X)).outputs
    assert tf.make_ndarray(outputs["y"]).tolist() == [2.0, 5.0]
    refused(stubs.predictions.Predict, request("shop", **inputs(1)), "NOT_FOUND", "Latest(shop)")
    refused(stubs.predictions.Predict, request("odd", version=2, x=X), "NOT_FOUND", "Specific(odd, 2)")
    refused(
      stubs.models.HandleReloadConfigRequest,
      config(served, odd=9),
      "FAILED_PRECONDITION",
      "did not become available",
    )
    twice = config(served, odd=1)
    twice.config.model_config_list.config.append(twice.config.model_config_list.config[0])
    refused(stubs.models.HandleReloadConfigRequest, twice, "INVALID_ARGUMENT", "must be of one model only")
    empty = model_management_pb2.ReloadConfigRequest()
    refused(stubs.models.HandleReloadConfigRequest, empty, "INVALID_ARGUMENT", "must be a model_config_list")


@pytest.mark.parametrize("options", [{}, {"batching": Batching()}, {"polling": True}])
def test_a_deadline_ends_a_request(served, options):
  with running.server(served, rest_port=None, **options) as server:
    stubs = Stubs(server.grpc_port)
    with pytest.raises(grpc.RpcError) as e:
      stubs.predictions.Predict(request("odd", "slow", n=np.array([50 * SLOW], np.int32)), timeout=0.3)
    assert e.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert stubs.predictions.Predict(request("odd", x=X), timeout=30).outputs["y"].float_val == [3.0, 7.5]


def test_requests_beyond_those_in_work_are_exhausted(served):
  with running.server(served, rest_port=None, inflight=1) as server:
    stubs, found = Stubs(server.grpc_port), []

    def ask():
      try:
        stubs.predictions.Predict(request("odd", "slow", n=np.array([SLOW], np.int32)))
        found.append("OK")
      except grpc.RpcError as e:
        found.append(e.code().name)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()
    assert set(found) == {"OK", "RESOURCE_EXHAUSTED"}


def test_a_message_beyond_the_limit_and_a_missing_token(served):
  with running.server(served, rest_port=None, body_bytes=1000, token="s3cret") as server:
    stubs = Stubs(server.grpc_port)
    token = [("authorization", "Bearer s3cret")]
    assert stubs.predictions.Predict(request("odd", x=X), metadata=token).outputs
    refused(stubs.predictions.Predict, request("odd", x=X), "UNAUTHENTICATED", "Authorization: Bearer")
    with pytest.raises(grpc.RpcError) as e:
      stubs.predictions.Predict(request("odd", x=np.zeros([500], np.float32)), metadata=token)
    assert e.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_long_errors_are_cut(stubs):
  with pytest.raises(grpc.RpcError) as e:
    stubs.predictions.Predict(request("odd", output_filter=["z" * 5000], x=X))
  assert e.value.details().endswith("...TRUNCATED")
  assert len(e.value.details()) < 1100
