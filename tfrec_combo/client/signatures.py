"""What the signatures of a served model take and give, as the server's metadata declares them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

# DT_ names of TensorFlow's types, and the field of a TensorProto that holds each.
TYPES = {
  "DT_STRING": (np.dtype(object), "string_val"),
  "DT_FLOAT": (np.dtype(np.float32), "float_val"),
  "DT_DOUBLE": (np.dtype(np.float64), "double_val"),
  "DT_INT32": (np.dtype(np.int32), "int_val"),
  "DT_INT64": (np.dtype(np.int64), "int64_val"),
  "DT_BOOL": (np.dtype(np.bool_), "bool_val"),
}


@dataclasses.dataclass(frozen=True)
class Tensor:
  """dtype: numpy's, object for strings. shape: None where any size goes."""

  dtype: np.dtype
  shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True)
class Signature:
  """defaults: what an input is where it is left out, as far as the server tells."""

  inputs: Mapping[str, Tensor]
  outputs: Mapping[str, Tensor]
  defaults: Mapping[str, np.ndarray]


def read(metadata: Mapping[str, Any]) -> dict[str, Signature]:
  """The signatures of a REST metadata answer by name; those with tensors of other types are left out."""
  found = {}
  for name, one in metadata["metadata"]["signature_def"]["signature_def"].items():
    inputs = {key: _tensor(info) for key, info in one.get("inputs", {}).items()}
    outputs = {key: _tensor(info) for key, info in one.get("outputs", {}).items()}
    known = {k: v for k, v in inputs.items() if v}, {k: v for k, v in outputs.items() if v}
    if len(known[0]) == len(inputs) and len(known[1]) == len(outputs):
      defaults = {key: _values(value) for key, value in one.get("defaults", {}).items()}
      found[name] = Signature(*known, {k: v for k, v in defaults.items() if v is not None})
  return found


def _tensor(info: Mapping[str, Any]) -> Tensor | None:
  shape = info.get("tensor_shape", {})
  if info.get("dtype") not in TYPES or shape.get("unknown_rank"):
    return None
  sizes = [int(dim["size"]) for dim in shape.get("dim", [])]
  return Tensor(TYPES[info["dtype"]][0], tuple(None if n < 0 else n for n in sizes))


def _values(proto: Mapping[str, Any]) -> np.ndarray | None:
  """The one value of a default, as an array [1]; None where it is packed in bytes."""
  dtype, field = TYPES.get(proto.get("dtype", ""), (np.dtype(object), ""))
  values = proto.get(field, [])
  return np.array([float(values[0])]).astype(dtype) if len(values) == 1 and dtype.kind in "fi" else None
