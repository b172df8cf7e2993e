"""One JSON value -> one tensor, by TF Serving's rules (tensorflow_serving/util/json_tensor.cc).

Values are checked a list at a time; only a list that breaks a rule is walked again, to say which value it was.
"""

import base64
import binascii
import json
from typing import Any

import numpy as np

from tfrec_combo.serving.server.status import Code, Refused, invalid
from tfrec_combo.serving.signature import Spec

SHOWN = 200  # characters of a wrong value
DEEPEST = 64  # levels of lists; more than numpy has dimensions for is no tensor

_JSON_TYPES = {dict: "Object", list: "Array", str: "String", bool: "Bool", type(None): "Null"}


def array(value: Any, spec: Spec) -> np.ndarray:
  """One tensor: lists of equal lengths, all of one depth, of values that the type takes."""
  shape: list[int] = []
  inner = value
  while isinstance(inner, list):
    shape.append(len(inner))
    if len(shape) >= DEEPEST:
      raise invalid(f"Encountered list at unexpected level: {len(shape)} expected < {DEEPEST}")
    if not inner:
      break
    inner = inner[0]
  leaves = [value]
  for level, size in enumerate(shape):
    for one in leaves:
      if not isinstance(one, list):
        rule = f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {len(shape)}"
        raise invalid(f"JSON Value: {shown(one)} {rule}")
      if len(one) != size:
        raise invalid(
          f"Encountered list at unexpected size: {len(one)} at level: {level} expected size: {size}"
        )
    leaves = leaves[0] if len(leaves) == 1 else [leaf for one in leaves for leaf in one]
  types = set(map(type, leaves))
  if list in types:
    raise invalid(f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}")
  return _flat(leaves, types, spec).reshape(shape)


def _flat(leaves: list, types: set[type], spec: Spec) -> np.ndarray:
  kind = spec.dtype.kind
  if kind == "O":
    filled = np.empty([len(leaves)], object)
    try:
      filled[:] = [leaf.encode() for leaf in leaves]
    except (AttributeError, UnicodeEncodeError):  # other than text of whole characters, as most of it is
      filled[:] = [to_bytes(leaf) for leaf in leaves]
    return filled
  if kind == "b":
    _only(leaves, types, {bool}, "bool")
    return np.array(leaves, np.bool_)
  if kind in "iu" and spec.dtype.name != "uint16":
    _only(leaves, types, {int}, spec.dtype.name)
    least, most = np.iinfo(spec.dtype).min, np.iinfo(spec.dtype).max
    for leaf in leaves:
      if not least <= leaf <= most:
        raise _wrong(leaf, spec.dtype.name)
    return np.array(leaves, spec.dtype)
  if spec.dtype.name in ("float32", "float64"):
    name = {"float32": "float", "float64": "double"}[spec.dtype.name]
    _only(leaves, types, {int, float}, name)
    if int in types:
      _check_whole(leaves, spec.dtype, name)
    return _decimals(leaves, spec.dtype, name)
  shown_value = shown(leaves[0]) if leaves else ""
  raise Refused(Code.UNIMPLEMENTED, f"Conversion of JSON Value: {shown_value} to type: {spec.dtype.name}")


def _check_whole(leaves: list, dtype: np.dtype, name: str) -> None:
  most = 2 ** (np.finfo(dtype).nmant + 1) - 1  # up to it each whole number has a float of its own
  for leaf in leaves:
    if isinstance(leaf, int) and abs(leaf) > most:
      raise invalid(f"Cannot convert JSON value: {shown(leaf)} to {name} without loss of precision.")


def _decimals(leaves: list, dtype: np.dtype, name: str) -> np.ndarray:
  numbers = np.array(leaves, np.float64)
  beyond = np.isfinite(numbers) & (np.abs(numbers) > np.finfo(dtype).max)
  if beyond.any():
    leaf = leaves[int(np.argmax(beyond))]
    raise invalid(f"Cannot convert JSON value: {shown(leaf)} to {name} without loss of precision.")
  return numbers.astype(dtype)


def to_bytes(leaf: Any) -> bytes:
  """The bytes of a JSON string, or of {"b64": "..."}.

  Raises:
    Refused: it is neither.
  """
  if isinstance(leaf, str):
    try:
      return leaf.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
      raise invalid(f"JSON Parse error: The surrogate pair in string is invalid: {shown(leaf)}") from None
  if not isinstance(leaf, dict):
    raise _wrong(leaf, "string")
  if not is_b64(leaf):
    raise invalid(f"JSON Value: {shown(leaf)} not formatted correctly for base64 data")
  try:
    return base64.b64decode(leaf["b64"], validate=True)
  except (binascii.Error, ValueError):
    raise invalid("Unable to base64 decode") from None


def _only(leaves: list, types: set[type], allowed: set[type], name: str) -> None:
  if not types <= allowed:
    raise _wrong(next(leaf for leaf in leaves if type(leaf) not in allowed), name)


def _wrong(leaf: Any, name: str) -> Refused:
  kind = _JSON_TYPES.get(type(leaf), "Number")
  return invalid(f"JSON Value: {shown(leaf)} Type: {kind} is not of expected type: {name}")


def is_b64(value: Any) -> bool:
  """Whether a value is bytes as JSON has them, {"b64": "..."}."""
  return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def shown(value: Any) -> str:
  """`value` as JSON, cut: an error quotes what it refuses, and a request may be megabytes."""
  try:
    text = json.dumps(value, ensure_ascii=True)
  except RecursionError:  # it could be read, but not quite be written
    text = "a deep value"
  return text if len(text) <= SHOWN else text[:SHOWN] + "..."
