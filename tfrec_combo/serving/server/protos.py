"""TensorProto <-> arrays, safe against what a stranger may send."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.serving.server import predict
from tfrec_combo.serving.server.status import Code, Refused, invalid
from tfrec_combo.serving.signature import Signature, Spec

MOST = 1 << 28  # numbers in one tensor; a few bytes can claim any shape

# Field of TensorProto by numpy type; the smaller whole numbers share one.
_FIELDS = {
  "object": "string_val",
  "float32": "float_val",
  "float64": "double_val",
  "float16": "half_val",
  "bfloat16": "half_val",
  "bool": "bool_val",
  "int64": "int64_val",
  "uint32": "uint32_val",
  "uint64": "uint64_val",
  **dict.fromkeys(("int32", "int16", "int8", "uint8", "uint16"), "int_val"),
}


def inputs(given: Mapping[str, Any], signature: Signature, most_rows: int) -> dict[str, np.ndarray]:
  """The arrays of a request's inputs by name.

  Raises:
    Refused: see `to_array`; or a name is not the signature's.
  """
  predict.check_names(signature, given)
  return {name: to_array(name, proto, signature.inputs[name], most_rows) for name, proto in given.items()}


def to_array(name: str, proto: Any, spec: Spec, most_rows: int) -> np.ndarray:
  """The array of a TensorProto, its type and shape checked against `spec` before anything of that size is made.

  Raises:
    Refused: they differ, there are more than `most_rows` rows, or the values do not fill the shape.
  """
  shape, dtype = [dim.size for dim in proto.tensor_shape.dim], _TYPES.get(proto.dtype)
  wrong = dtype != spec.dtype or proto.tensor_shape.unknown_rank or len(shape) != len(spec.shape)
  if wrong or any(m < 0 or n not in (None, m) for n, m in zip(spec.shape, shape)):
    raise invalid(f"input {name} must be {spec}, got {_said(proto, shape)}")
  if shape and shape[0] > most_rows:
    raise invalid(f"input {name} has {shape[0]} rows; this server takes at most {most_rows} a request")
  size = math.prod(shape)
  if size > MOST:
    raise invalid(f"input {name} must hold at most {MOST} values, got {_said(proto, shape)}")
  try:
    return _values(proto, spec.dtype, size).reshape(shape)
  except (ValueError, TypeError, KeyError, IndexError, OverflowError, tf.errors.OpError) as e:
    raise invalid(f"input {name} cannot be read: {' '.join(str(e).split())[:200]}") from None


def _values(proto: Any, dtype: np.dtype, size: int) -> np.ndarray:
  """The `size` values of a proto; as clients write most of them without asking TensorFlow, which takes longer."""
  text = dtype.kind == "O"
  if text and len(proto.string_val) == size:
    array = np.empty(size, object)
    array[:] = proto.string_val
    return array
  if text and proto.tensor_content:  # as C++ packs strings; numpy cannot unpack them
    return tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy()
  if len(proto.tensor_content) == size * dtype.itemsize and size:
    return np.frombuffer(proto.tensor_content, dtype).copy()
  return tf.make_ndarray(proto).astype(dtype, copy=False)


def _said(proto: Any, shape: list[int]) -> str:
  return f"{tf.as_dtype(proto.dtype).name if proto.dtype in _TYPES else proto.dtype} {shape}"


def fill(proto: Any, array: np.ndarray, content: bool = False) -> None:
  """Makes an empty TensorProto that of an array: values in the field of its type, or with `content` in `tensor_content`."""
  kind = "object" if array.dtype == object else array.dtype.name
  if kind not in _FIELDS:
    raise Refused(Code.UNIMPLEMENTED, f"tensors of type {kind} cannot be answered")
  proto.dtype = _ENUMS[kind]
  for size in array.shape:
    proto.tensor_shape.dim.add(size=size)
  if content and kind != "object":
    proto.tensor_content = array.tobytes()
    return
  field, flat = _FIELDS[kind], array.reshape(-1)
  getattr(proto, field).extend((flat.view(np.uint16) if field == "half_val" else flat).tolist())


_ENUMS = {
  n: tf.string.as_datatype_enum if n == "object" else tf.as_dtype(n).as_datatype_enum for n in _FIELDS
}
_TYPES = {number: np.dtype(tf.as_dtype(number).as_numpy_dtype) for number in _ENUMS.values()}
