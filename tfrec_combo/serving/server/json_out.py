"""Arrays of an answer -> JSON, by TF Serving's rules (tensorflow_serving/util/json_tensor.cc)."""

import base64
import math
from collections.abc import Mapping
from json.encoder import encode_basestring

import numpy as np

from tfrec_combo.serving.server.status import invalid

_BEYOND = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
BYTES = "_bytes"  # the end of an output's name that says its strings are no text


def predictions(outputs: Mapping[str, np.ndarray]) -> str:
  """The answer by rows: {"predictions": [...]}, an object a row, or the bare value where there is one output.

  Raises:
    Refused: an output has no rows, or another number of them than the rest.
  """
  rows = -1
  for name, value in outputs.items():
    if not value.ndim:
      raise invalid(f"Tensor name: {name} has no shape information ")
    if rows not in (-1, len(value)):
      raise invalid(f"Tensor name: {name} has inconsistent batch size: {len(value)} expecting: {rows}")
    rows = len(value)
  columns = {name: _nested(_tokens(name, value), value.shape[1:], rows) for name, value in outputs.items()}
  if len(columns) == 1:
    lines = next(iter(columns.values()))
  else:
    keys = [f"{encode_basestring(name)}: " for name in columns]
    lines = ["{" + ", ".join([k + v for k, v in zip(keys, row)]) + "}" for row in zip(*columns.values())]
  return '{\n"predictions": [' + ",\n".join(lines) + "]\n}"


def outputs(values: Mapping[str, np.ndarray]) -> str:
  """The answer by columns: {"outputs": ...}, an object, or the bare tensor where there is one output."""
  columns = {name: _nested(_tokens(name, v), v.shape, 1)[0] for name, v in values.items()}
  if len(columns) == 1:
    return '{\n"outputs": ' + next(iter(columns.values())) + "\n}"
  said = [f"{encode_basestring(name)}: {value}" for name, value in columns.items()]
  return '{\n"outputs": {\n' + ",\n".join(said) + "\n}\n}"


def decimals(values: np.ndarray) -> list[str]:
  """Each float in six digits where they give it back, else in as many as it takes, with .0 behind a whole number."""
  longest = {"float32": 9, "float64": 17, "float16": 9}[values.dtype.name]
  found = _printed(values, 6)
  with np.errstate(over="ignore"):  # six digits may round the largest number up
    back = np.array(list(map(float, found)), np.float64).astype(values.dtype)
  rounded = np.flatnonzero(back != values)
  for i, text in zip(rounded.tolist(), _printed(values[rounded], longest)):
    found[i] = text
  for i in np.flatnonzero((np.trunc(values) == values) | ~np.isfinite(values)).tolist():
    if "." not in found[i] and "e" not in found[i]:
      found[i] = _BEYOND.get(found[i]) or found[i] + ".0"
  return found


def _printed(values: np.ndarray, digits: int) -> list[str]:
  # All at once, which is faster than one by one.
  return (f"%.{digits}g " * len(values) % tuple(values.tolist())).split()


def _tokens(name: str, value: np.ndarray) -> list[str]:
  flat, kind = value.reshape(-1), value.dtype.kind
  if kind == "O":
    return list(map(_bytes if name.endswith(BYTES) else _text, flat.tolist()))
  if kind == "b":
    return ["true" if v else "false" for v in flat]
  if kind in "iu":
    return list(map(str, flat.tolist()))
  if value.dtype.name in ("float32", "float64", "float16"):
    return decimals(flat)
  raise invalid(f"Failed to write JSON value for tensor type: {value.dtype.name}")


def _text(value: bytes) -> str:
  try:
    return encode_basestring(value.decode())
  except UnicodeDecodeError:  # TF Serving writes such bytes as they are, which is no JSON
    return _bytes(value)


def _bytes(value: bytes) -> str:
  return '{"b64": "' + base64.b64encode(value).decode() + '"}'


def _nested(tokens: list[str], shape: tuple[int, ...], rows: int) -> list[str]:
  """Tokens of a tensor [rows, *shape] as `rows` pieces of JSON."""
  for level in reversed(range(len(shape))):
    size, groups = shape[level], rows * math.prod(shape[:level])
    tokens = ["[" + ", ".join(tokens[i * size : (i + 1) * size]) + "]" for i in range(groups)]
  return tokens
