"""The gRPC front end: TF Serving's PredictionService and ModelService on its own stubs."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import grpc
from tensorflow_serving.apis import (
  classification_pb2,
  get_model_metadata_pb2,
  inference_pb2,
  model_management_pb2,
  model_service_pb2_grpc,
  predict_pb2,
  prediction_service_pb2_grpc,
  regression_pb2,
)

from tfrec_combo.base.errors import ConfigError
from tfrec_combo.serving.server import access, config_file, describe, examples, predict, protos
from tfrec_combo.serving.server.engine import Engine
from tfrec_combo.serving.server.status import Code, Refused, bug, invalid
from tfrec_combo.serving.server.version import Version

LONGEST = 1024  # characters of an error; TF Serving cuts, too: HTTP/2 headers are short
CUT = "...TRUNCATED"
LATEST = 3600.0  # seconds; TensorFlow's own clock does not take all that a client may send


class _Servicer:
  """What both services share: the token, errors, metrics and the access log around each call."""

  def __init__(self, engine: Engine):
    self._engine = engine

  def _guarded(self, api: str, request: Any, context: Any, answer: Callable[[float], Any], name: str) -> Any:
    started, refused = time.monotonic(), None
    left = context.time_remaining()  # without a deadline: None, or as many seconds as there are
    deadline = started + min(self._engine.options.timeout if left is None else left, LATEST)
    try:
      header = dict(context.invocation_metadata()).get("authorization")
      access.check_token(self._engine.options.token, header)
      response = answer(deadline)
    except Refused as e:
      refused = e
    except Exception as e:
      refused = bug(e)
    self._tell(
      api, request, context, Code.OK if refused is None else refused.code, time.monotonic() - started, name
    )
    if refused is not None:
      message = refused.message if len(refused.message) <= LONGEST else refused.message[:LONGEST] + CUT
      context.abort(grpc.StatusCode[refused.code.name], message)
    return response

  def _tell(self, api: str, request: Any, context: Any, code: Code, seconds: float, name: str) -> None:
    if api in ("Predict", "Classify", "Regress", "MultiInference"):
      served = name if name in self._engine.models.names() else ""
      self._engine.metrics.request(served, api, "GRPC", code.name, seconds)
    if self._engine.options.access_log:
      access.write(
        "GRPC", code.name, seconds, client=context.peer(), api=api, model=name, bytes_in=request.ByteSize()
      )

  def _held(self, spec: Any) -> contextlib.AbstractContextManager[Version]:
    """The version that a ModelSpec names, held."""
    which = spec.WhichOneof("version_choice")
    number = spec.version.value if which == "version" else None
    label = spec.version_label if which == "version_label" else None
    if not spec.name:
      raise invalid("Missing ModelSpec" if which is None else "ModelSpec has no model name")
    return self._engine.models.held(spec.name, number, label or None)


class PredictionService(_Servicer, prediction_service_pb2_grpc.PredictionServiceServicer):
  """Predict, Classify, Regress, MultiInference and GetModelMetadata."""

  def Predict(self, request: Any, context: Any) -> Any:
    """Runs a signature: tensors by name in, tensors by name out."""
    return self._guarded(
      "Predict", request, context, lambda d: self._predict(request, d), request.model_spec.name
    )

  def _predict(self, request: Any, deadline: float) -> Any:
    spec, options = request.model_spec, self._engine.options
    with self._held(spec) as version:
      name = spec.signature_name or predict.DEFAULT_SIGNATURE
      read = lambda signature: protos.inputs(request.inputs, signature, options.batch_rows)
      found = self._engine.predict(
        spec.name, version.model, name, read, list(request.output_filter), deadline
      )
      response = predict_pb2.PredictResponse()
      _name(response.model_spec, spec.name, version, name)
    for key, value in found.items():
      protos.fill(response.outputs[key], value, options.content)
    return response

  def Classify(self, request: Any, context: Any) -> Any:
    """Classes and scores of tf.Examples."""

    def answer(deadline: float) -> Any:
      response = classification_pb2.ClassificationResponse()
      with self._held(request.model_spec) as version:
        self._classify(request.model_spec, request.input, version, deadline, response.result)
        _name(response.model_spec, request.model_spec.name, version, request.model_spec.signature_name)
      return response

    return self._guarded("Classify", request, context, answer, request.model_spec.name)

  def Regress(self, request: Any, context: Any) -> Any:
    """A number for each tf.Example."""

    def answer(deadline: float) -> Any:
      response = regression_pb2.RegressionResponse()
      with self._held(request.model_spec) as version:
        self._regress(request.model_spec, request.input, version, deadline, response.result)
        _name(response.model_spec, request.model_spec.name, version, request.model_spec.signature_name)
      return response

    return self._guarded("Regress", request, context, answer, request.model_spec.name)

  def MultiInference(self, request: Any, context: Any) -> Any:
    """Several of Classify and Regress on the same examples by one model."""
    name = request.tasks[0].model_spec.name if request.tasks else ""
    return self._guarded(
      "MultiInference", request, context, lambda d: self._multi_inference(request, d), name
    )

  def _multi_inference(self, request: Any, deadline: float) -> Any:
    if not request.tasks:
      raise invalid("Inference request with an empty list of tasks")
    first, seen = request.tasks[0].model_spec, set()
    response = inference_pb2.MultiInferenceResponse()
    with self._held(first) as version:
      for task in request.tasks:
        spec = task.model_spec
        name = spec.signature_name or predict.DEFAULT_SIGNATURE
        if spec.name != first.name:
          raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        if name in seen:
          raise invalid(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if name not in version.model.signatures:
          raise invalid(f"Requested signature not found in model graph: {name}")
        result = response.results.add()
        if task.method_name == examples.CLASSIFY:
          self._classify(spec, request.input, version, deadline, result.classification_result)
        elif task.method_name == examples.REGRESS:
          self._regress(spec, request.input, version, deadline, result.regression_result)
        else:
          raise Refused(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
        _name(result.model_spec, spec.name, version, name)
    return response

  def _classify(self, spec: Any, given: Any, version: Version, deadline: float, result: Any) -> None:
    asked = examples.Asked(spec.name, version.model, spec.signature_name, deadline)
    for row in examples.classify(self._engine, asked, examples.serialized(given)):
      one = result.classifications.add()
      for label, score in row:
        one.classes.add(label=label, score=score)

  def _regress(self, spec: Any, given: Any, version: Version, deadline: float, result: Any) -> None:
    asked = examples.Asked(spec.name, version.model, spec.signature_name, deadline)
    for value in examples.regress(self._engine, asked, examples.serialized(given)):
      result.regressions.add(value=value)

  def GetModelMetadata(self, request: Any, context: Any) -> Any:
    """The signatures of a version."""

    def answer(_: float) -> Any:
      if not request.metadata_field:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
      for field in request.metadata_field:
        if field != describe.FIELD:
          raise invalid(f"Metadata field {field} is not supported")
      response = get_model_metadata_pb2.GetModelMetadataResponse()
      with self._held(request.model_spec) as version:
        response.metadata[describe.FIELD].Pack(describe.signatures(version))
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version.number
      return response

    return self._guarded("GetModelMetadata", request, context, answer, request.model_spec.name)


class ModelService(_Servicer, model_service_pb2_grpc.ModelServiceServicer):
  """GetModelStatus and HandleReloadConfigRequest."""

  def GetModelStatus(self, request: Any, context: Any) -> Any:
    """The state of each version, newest first."""
    spec = request.model_spec

    def answer(_: float) -> Any:
      if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
      number = spec.version.value if spec.WhichOneof("version_choice") == "version" else None
      return describe.status(self._engine.models, spec.name, number)

    return self._guarded("GetModelStatus", request, context, answer, spec.name)

  def HandleReloadConfigRequest(self, request: Any, context: Any) -> Any:
    """Serves another set of models from now on; answers when they are loaded."""

    def answer(_: float) -> Any:
      response = model_management_pb2.ReloadConfigResponse()
      try:
        served = config_file.models(request.config)
      except ConfigError as e:
        raise invalid(str(e)) from e
      self._engine.models.apply(served, self._engine.options.labels_ahead)
      return response

    return self._guarded("HandleReloadConfigRequest", request, context, answer, "")


def _name(spec: Any, name: str, version: Version, signature: str) -> None:
  spec.name, spec.signature_name = name, signature or predict.DEFAULT_SIGNATURE
  spec.version.value = version.number
