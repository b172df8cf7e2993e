"""What one signature of a SavedModel takes and gives, and inputs checked against it before TensorFlow sees them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfrec_combo.base.errors import DataError, ModelError, fault
from tfrec_combo.base.stack import tf


@dataclasses.dataclass(frozen=True)
class Spec:
  """One tensor: its numpy type (object for strings) and its shape, None where any size goes."""

  dtype: np.dtype
  shape: tuple[int | None, ...]

  def __str__(self) -> str:
    name = "string" if self.dtype == object else self.dtype.name
    return f"{name} [{', '.join('B' if n is None else str(n) for n in self.shape)}]"


@dataclasses.dataclass(frozen=True)
class Signature:
  """A signature's tensors by name. All are dense and share dimension 0, the batch B.

  defaults: inputs that may be left out, and the one row, dimension 0 of size 1, that each request then has."""

  inputs: dict[str, Spec]
  outputs: dict[str, Spec]
  defaults: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)


def read(signature_def: Any) -> Signature:
  """The `Signature` of a SignatureDef.

  Raises:
    ModelError: a tensor is ragged, sparse or of unknown rank, which TF Serving cannot serve.
  """
  return Signature(
    {name: spec(name, info) for name, info in sorted(signature_def.inputs.items())},
    {name: spec(name, info) for name, info in sorted(signature_def.outputs.items())},
    {name: values(value) for name, value in sorted(signature_def.defaults.items())},
  )


def values(tensor: Any) -> np.ndarray:
  """The array of a TensorProto; strings are bytes."""
  return tf.make_ndarray(tensor)


def spec(name: str, info: Any) -> Spec:
  """The `Spec` of a TensorInfo; see `read`."""
  if info.WhichOneof("encoding") != "name" or info.tensor_shape.unknown_rank:
    way_out = "export the model with `tfrec-combo export`"
    raise ModelError(fault(name, "must be a dense tensor of known rank", "another", way_out))
  sizes = (dim.size for dim in info.tensor_shape.dim)
  dtype = np.dtype(tf.as_dtype(info.dtype).as_numpy_dtype)
  return Spec(dtype, tuple(None if size < 0 else size for size in sizes))


def checked(signature: Signature, inputs: Mapping[str, Any]) -> list[np.ndarray]:
  """`inputs` as arrays of the signature's types, in its order; those left out that have a default are filled in.

  Raises:
    DataError: a name is missing or unknown, or a value has another type or shape; it names the argument.
  """
  wanted = signature.inputs
  has = "pass exactly " + ", ".join(f"{name} {spec}" for name, spec in wanted.items())
  given, inputs = inputs.keys(), {**signature.defaults, **inputs}
  for name in wanted.keys() - inputs.keys():
    raise DataError(fault(name, "must be given", "nothing", has))
  for name in inputs.keys() - wanted.keys():
    raise DataError(fault(name, "is no input of this signature", inputs[name], has))
  arrays = [_array(name, spec, inputs[name]) for name, spec in wanted.items()]
  sizes = {name: len(array) for name, array in zip(wanted, arrays) if array.ndim and name in given}
  if len(set(sizes.values())) > 1:
    name = next(name for name, n in sizes.items() if n != next(iter(sizes.values())))
    rule = f"must have the {next(iter(sizes.values()))} rows of {next(iter(sizes))}"
    raise DataError(fault(name, rule, sizes[name], "pass one row a request in every input"))
  rows = next(iter(sizes.values()), 1)
  return [array if name in given else np.repeat(array, rows, axis=0) for name, array in zip(wanted, arrays)]


def check_strings(signature: Signature, arrays: Sequence[np.ndarray]) -> None:
  """Raises a DataError that names the first value of a string input that is neither str nor bytes."""
  for (name, spec), array in zip(signature.inputs.items(), arrays):
    if spec.dtype == object:
      for value in array.flat:
        if not isinstance(value, str | bytes):
          raise DataError(fault(name, f"must be {spec}", value, "pass ids and texts as strings"))


def _array(name: str, spec: Spec, value: Any) -> np.ndarray:
  way_out = "fill shorter lists up with '' or 0" if len(spec.shape) > 1 else "pass one value a request"
  try:
    given = np.asarray(value, object if spec.dtype == object else None)
    if given.dtype != spec.dtype:
      given = given.astype(spec.dtype, casting="same_kind")
  except (TypeError, ValueError) as e:  # numpy's: the values are of another kind, or lists of several lengths
    raise DataError(fault(name, f"must be {spec}", " ".join(str(e).split())[:80], way_out)) from None
  fits = given.ndim == len(spec.shape) and all(n in (None, m) for n, m in zip(spec.shape, given.shape))
  if not fits:
    raise DataError(fault(name, f"must be {spec}", f"shape {list(given.shape)}", way_out))
  return given
