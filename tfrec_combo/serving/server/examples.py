"""Classify and Regress: signatures that take serialized tf.Examples and answer classes and scores, or one number each."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.serving.model import Model
from tfrec_combo.serving.server import json_values, predict
from tfrec_combo.serving.server.engine import Engine
from tfrec_combo.serving.server.status import Code, Refused, invalid

INPUTS, CLASSES, SCORES, REGRESSED = "inputs", "classes", "scores", "outputs"  # names the contract gives
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


@dataclasses.dataclass(frozen=True)
class Asked:
  """Who is asked: the model's name in the metrics, the held model, its signature, and the deadline."""

  of: str
  model: Model
  signature: str
  deadline: float


def serialized(given: Any) -> list[bytes]:
  """The examples of an Input message, each with the context it came with; TF Serving joins them as bytes, too.

  Raises:
    Refused: there is none.
  """
  kind = given.WhichOneof("kind")
  if kind is None or not getattr(given, kind).examples:
    raise invalid("Input is empty.")
  found = getattr(given, kind)
  context = found.context.SerializeToString() if kind == "example_list_with_context" else b""
  return [context + example.SerializeToString() for example in found.examples]


def classify(engine: Engine, asked: Asked, examples: Sequence[bytes]) -> list[list[tuple[str, float]]]:
  """(label, score) of each class of each example; "" and 0 where the signature does not tell.

  Raises:
    Refused: the signature does not classify, or the model refuses.
  """
  outputs = _outputs(asked, (CLASSES, SCORES), "classification")
  found = _run(engine, asked, examples, outputs)
  for name, value in found.items():
    if value.ndim != 2 or len(value) != len(examples):
      got = list(value.shape)
      raise invalid(f"Expected {name} Tensor shape: [batch_size num_classes] but got {got}")
  some = next(iter(found.values()))
  labels = found.get(CLASSES, np.full(some.shape, b"", object))
  scores = found.get(SCORES, np.zeros(some.shape, np.float32))
  if labels.shape != scores.shape:
    raise invalid(
      f"Tensors class and score should match in dim_size(1). Got {labels.shape[1]} vs. {scores.shape[1]}"
    )
  if labels.dtype != object or scores.dtype != np.float32:
    raise invalid("Expected classes Tensor of DT_STRING and scores Tensor of DT_FLOAT.")
  return [
    [(label.decode("utf-8", "replace"), float(score)) for label, score in zip(*row)]
    for row in zip(labels, scores)
  ]


def regress(engine: Engine, asked: Asked, examples: Sequence[bytes]) -> list[float]:
  """The number of each example.

  Raises:
    Refused: the signature does not regress, or the model refuses.
  """
  outputs = _outputs(asked, (REGRESSED,), "regression")
  value = _run(engine, asked, examples, outputs)[REGRESSED]
  if value.dtype != np.float32 or value.shape not in ((len(examples),), (len(examples), 1)):
    raise invalid(
      f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {list(value.shape)}"
    )
  return value.reshape(-1).tolist()


def from_json(values: Any) -> Any:
  """The tf.Example of a JSON object: whole numbers and bools, decimals, or strings, one or a list of each.

  Raises:
    Refused: it is no object, or a feature mixes kinds or holds another.
  """
  if not isinstance(values, dict):
    raise invalid(f"Example must be JSON object but got JSON {type(values).__name__}")
  example = tf.train.Example()
  for name, content in values.items():
    try:
      feature = example.features.feature[name]
    except UnicodeEncodeError:
      raise invalid(f"Feature: {name!r} has a name that is no text") from None
    for value in content if isinstance(content, list) else [content]:
      _add(name, feature, value)
  return example


def _add(name: str, feature: Any, value: Any) -> None:
  told: Any
  if isinstance(value, str) or json_values.is_b64(value):
    kind, told = "bytes_list", json_values.to_bytes(value)
  elif isinstance(value, bool | int):
    kind, told = "int64_list", int(value)
  elif isinstance(value, float):
    kind, told = "float_list", value
  else:
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {type(value).__name__}")
  if feature.WhichOneof("kind") not in (None, kind):
    raise invalid(f"Unexpected element type in feature: {name} expecting type: {feature.WhichOneof('kind')}")
  try:
    getattr(feature, kind).value.append(told)
  except ValueError as e:  # beyond 64 bits
    raise invalid(f"Feature: {name} has a number out of range: {e}") from None


def _outputs(asked: Asked, known: Sequence[str], what: str) -> list[str]:
  signature = predict.signature_of(asked.model, asked.signature)
  if len(signature.inputs) != 1:
    raise invalid("Expected one input Tensor.")
  if INPUTS not in signature.inputs:
    raise Refused(Code.FAILED_PRECONDITION, f"No {what} inputs found in SignatureDef: {asked.signature}")
  if not 1 <= len(signature.outputs) <= len(known):
    raise invalid(
      f"Expected {' or '.join(map(str, range(1, len(known) + 1)))} output Tensors, found {len(signature.outputs)}"
    )
  found = [name for name in known if name in signature.outputs]
  if not found:
    raise Refused(Code.FAILED_PRECONDITION, f"No {what} outputs found in SignatureDef: {asked.signature}")
  return found


def _run(engine: Engine, asked: Asked, examples: Sequence[bytes], outputs: list[str]) -> predict.Arrays:
  filled = np.empty([len(examples)], object)
  filled[:] = examples
  inputs = {INPUTS: filled}
  return engine.predict(asked.of, asked.model, asked.signature, lambda _: inputs, outputs, asked.deadline)
