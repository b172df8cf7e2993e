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
  shape = [dim.size for dim in proto.tensor_shape.dim]
  got = f"{tf.as_dtype(proto.dtype).name if proto.dtype in _KNOWN else proto.dtype} {shape}"
  wrong = proto.dtype not in _KNOWN or np.dtype(tf.as_dtype(proto.dtype).as_numpy_dtype) != spec.dtype
  wrong = wrong or proto.tensor_shape.unknown_rank or len(shape) != len(spec.shape)
  if wrong or any(m < 0 or n not in (None, m) for n, m in zip(spec.shape, shape)):
    raise invalid(f"input {name} must be {spec}, got {got}")
  if shape and shape[0] > most_rows:
    raise invalid(f"input {name} has {shape[0]} rows; this server takes at most {most_rows} a request")
  if math.prod(shape) > MOST:
    raise invalid(f"input {name} must hold at most {MOST} values, got {got}")
  try:
    if spec.dtype == object and proto.tensor_content:  # as C++ packs strings; numpy cannot unpack them
      return tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy().reshape(shape)
    array = tf.make_ndarray(proto)
  except (ValueError, TypeError, KeyError, IndexError, OverflowError, tf.errors.OpError) as e:
    raise invalid(f"input {name} cannot be read: {' '.join(str(e).split())[:200]}") from None
  return array.astype(spec.dtype, copy=False)


def to_proto(array: np.ndarray, content: bool = False) -> Any:
  """The TensorProto of an array, its values in the field of its type, or with `content` packed in `tensor_content`."""
  if content and array.dtype != object:
    return tf.make_tensor_proto(array)
  dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
  proto = tf.make_tensor_proto([], dtype, [0])
  proto.tensor_shape.Clear()
  for size in array.shape:
    proto.tensor_shape.dim.add(size=size)
  field = _FIELDS.get("object" if array.dtype == object else array.dtype.name)
  if field is None:
    raise Refused(Code.UNIMPLEMENTED, f"tensors of type {array.dtype.name} cannot be answered")
  flat = array.reshape(-1)
  getattr(proto, field).extend((flat.view(np.uint16) if field == "half_val" else flat).tolist())
  return proto


_KNOWN = {int(tf.as_dtype(name).as_datatype_enum) for name in _FIELDS if name != "object"} | {7}
