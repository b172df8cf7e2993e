"""JSON of a request -> arrays of a signature, by TF Serving's rules (tensorflow_serving/util/json_tensor.cc)."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrec_combo.serving.server.json_values import array, is_b64, shown
from tfrec_combo.serving.server.status import Refused, invalid
from tfrec_combo.serving.signature import Signature, Spec

_DECODER = json.JSONDecoder()


def document(body: bytes) -> dict[str, Any]:
  """The JSON object that `body` begins with; what follows it is not looked at, and NaN and Infinity are numbers.

  Raises:
    Refused: it does not begin with a JSON object.
  """
  if not body:
    raise invalid("JSON Parse error: The document is empty at offset: 0")
  text = body.decode("utf-8", "surrogateescape")  # bytes that are no UTF-8 may be a string's own
  start = len(text) - len(text.lstrip(" \t\r\n"))
  try:
    found, _ = _DECODER.raw_decode(text, start)
  except json.JSONDecodeError as e:
    offset = len(text[: e.pos].encode("utf-8", "surrogateescape"))
    raise invalid(f"JSON Parse error: {e.msg} at offset: {offset}") from None
  except (RecursionError, ValueError) as e:  # nested beyond reason, or a whole number of thousands of digits
    raise invalid(f"JSON Parse error: {type(e).__name__} at offset: 0") from None
  if not isinstance(found, dict):
    raise invalid(f"JSON Value: {shown(found)} Is not object")
  return found


def signature_name(doc: Mapping[str, Any]) -> str:
  """The signature a request names, "" where it names none."""
  name = doc.get("signature_name", "")
  if not isinstance(name, str):
    raise invalid(
      f"JSON Value: {shown(doc)} not formatted correctly. 'signature_name' key must be a string value."
    )
  return name


def tensors(doc: Mapping[str, Any], signature: Signature) -> tuple[dict[str, np.ndarray], bool]:
  """The inputs of a predict request by name, and whether it came by rows ("instances") and not by columns ("inputs").

  Inputs that have a default may be left out of either.

  Raises:
    Refused: it breaks a rule of the format; in TF Serving's words.
  """
  if "instances" in doc and "inputs" in doc:
    rule = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
    raise invalid(f"JSON Value: {shown(doc)} {rule}")
  if "instances" in doc:
    rows = doc["instances"]
    if not isinstance(rows, list):
      raise invalid(f"JSON Value: {shown(doc)} Excepting 'instances' to be an list/array")
    if not rows:
      raise invalid(f"JSON Value: {shown(doc)} No values in 'instances' array")
    return _rows(rows, signature), True
  if "inputs" in doc:
    return _columns(doc["inputs"], signature), False
  raise invalid("Missing 'inputs' or 'instances' key")


def _columns(value: Any, signature: Signature) -> dict[str, np.ndarray]:
  if not _is_named(value):
    if len(signature.inputs) > 1:
      raise invalid(
        "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map"
      )
    return {name: array(value, spec) for name, spec in signature.inputs.items()}
  for name in signature.inputs:
    if name not in value and name not in signature.defaults:
      raise invalid(f"Missing named input: {name} in 'inputs' object.")
  return {name: array(value[name], spec) for name, spec in signature.inputs.items() if name in value}


def _rows(rows: list, signature: Signature) -> dict[str, np.ndarray]:
  specs = signature.inputs
  if not isinstance(rows[0], dict) and len(specs) > 1:
    raise invalid(
      "instances is a plain list, but expecting list of objects as multiple input tensors required as per"
      " tensorinfo_map"
    )
  named = _is_named(rows[0])
  for i, row in enumerate(rows):
    if named and not _is_named(row):
      raise invalid(f"Expecting object but got list at item {i} of input list")
    if not named and _is_named(row):
      raise invalid(f"Expecting value/list but got object at item {i} of input list")
  if not named:
    name = next(iter(specs))
    return {name: _stacked(rows, "", specs[name])}
  for i, row in enumerate(rows):
    for name in row:
      if name not in specs:
        told = f"INVALID_ARGUMENT: JSON object: does not have named input: {name}"
        raise invalid(f"Failed to process element: {i} key: {name} of 'instances' list. Error: {told}")
    if row.keys() != rows[0].keys() or not specs.keys() - signature.defaults.keys() <= row.keys():
      told = f"JSON object: {shown(row)} keys must be equal to: {','.join(specs)}"
      raise invalid(f"Failed to process element: {i} of 'instances' list. {told}")
  return {
    name: _stacked([row[name] for row in rows], name, spec) for name, spec in specs.items() if name in rows[0]
  }


def _stacked(items: list, name: str, spec: Spec) -> np.ndarray:
  try:
    return array(items, spec)
  except Refused:
    key = f" key: {name}" if name else ""
    first: np.ndarray | None = None
    for i, item in enumerate(items):
      where = f"Failed to process element: {i}{key} of 'instances' list. Error: "
      try:
        one = array(item, spec)
      except Refused as e:
        raise Refused(e.code, f"{where}{e.code.name}: {e.message}") from None
      first = one if first is None else first
      if one.size != first.size:
        raise invalid(
          f"{where}INVALID_ARGUMENT: Expecting tensor size: {first.size} but got: {one.size}"
        ) from None
      if one.shape != first.shape:
        told = f"Expecting shape {_shape(first)} but got: {_shape(one)}"
        raise invalid(f"{where}INVALID_ARGUMENT: {told}") from None
    raise


def _is_named(value: Any) -> bool:
  return isinstance(value, dict) and not is_b64(value)


def _shape(value: np.ndarray) -> str:
  return "[" + ",".join(map(str, value.shape)) + "]"
