"""One predict call on a loaded model: inputs checked, outputs chosen, run, TensorFlow's errors as TF Serving's."""

import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.serving.model import Model, first_line
from tfrec_combo.serving.server.status import Code, Refused, invalid
from tfrec_combo.serving.signature import Signature, Spec

DEFAULT_SIGNATURE = "serving_default"

Arrays = dict[str, np.ndarray]


def signature_of(model: Model, name: str) -> Signature:
  """The signature of that name ("": `serving_default`).

  Raises:
    Refused: there is none; gRPC's words, REST has its own.
  """
  name = name or DEFAULT_SIGNATURE
  if name not in model.signatures:
    raise Refused(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
  return model.signatures[name]


def complete(signature: Signature, inputs: Mapping[str, np.ndarray], most_rows: int) -> list[np.ndarray]:
  """The arrays to feed, in the signature's order, defaults filled in.

  Args:
    most_rows: of any one request; the size of its answer grows with them.

  Raises:
    Refused: a name is missing or unknown, a type or shape is another, or there are too many rows.
  """
  check_names(signature, inputs)
  rows = 1
  for name, array in inputs.items():
    _check(name, signature.inputs[name], array)
    if array.ndim:
      rows = len(array)
      if rows > most_rows:
        raise invalid(f"input {name} has {rows} rows; this server takes at most {most_rows} a request")
  return [inputs[name] if name in inputs else _default(signature, name, rows) for name in signature.inputs]


def check_names(signature: Signature, names: Iterable[str]) -> None:
  """Raises a Refused, in TF Serving's words, unless `names` are the signature's inputs; defaults may be left out."""
  given, wanted = set(names), set(signature.inputs)
  extra, missing = given - wanted, wanted - given - set(signature.defaults)
  if extra or missing:
    said = lambda names: ",".join(sorted(names))
    raise invalid(
      f"input size does not match signature: {len(given)}!={len(wanted)} len({{{said(given)}}}) !="
      f" len({{{said(wanted)}}}). Sent extra: {{{said(extra)}}}. Missing but required: {{{said(missing)}}}."
    )


def chosen(signature: Signature, output_filter: Sequence[str]) -> list[str]:
  """The outputs to answer: those that are asked for, else all.

  Raises:
    Refused: one is unknown or asked for twice.
  """
  for i, name in enumerate(output_filter):
    if name not in signature.outputs:
      known = ",".join(signature.outputs)
      raise invalid(
        f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{known}}}."
      )
    if name in output_filter[:i]:
      raise invalid(f"duplicate output tensor alias: {name}")
  return list(output_filter) or list(signature.outputs)


def run(
  model: Model,
  name: str,
  arrays: Sequence[np.ndarray],
  outputs: Sequence[str],
  deadline: float | None,
  polling: bool = False,
) -> Arrays:
  """Runs signature `name` on the arrays of `complete`.

  Args:
    deadline: of `time.monotonic`, None for none.
    polling: see `Model.run`.

  Raises:
    Refused: the deadline passed, or the graph refused its input; with TensorFlow's code.
  """
  try:
    return model.run(name, arrays, outputs, _left(deadline), polling)
  except tf.errors.OpError as e:
    raise Refused(Code(e.error_code), first_line(e)) from e
  except (TypeError, ValueError) as e:  # what the session's Python side says of a value
    raise invalid(first_line(e)) from e


def _left(deadline: float | None) -> float | None:
  left = None if deadline is None else deadline - time.monotonic()
  if left is not None and left <= 0:
    raise Refused(Code.DEADLINE_EXCEEDED, "Deadline exceeded before the model ran")
  return left


def _check(name: str, spec: Spec, array: np.ndarray) -> None:
  if array.dtype != spec.dtype:
    got = "string" if array.dtype == object else array.dtype.name
    raise invalid(f"input {name} must be {spec}, got {got}")
  if array.ndim != len(spec.shape) or any(n not in (None, m) for n, m in zip(spec.shape, array.shape)):
    raise invalid(f"input {name} must be {spec}, got shape [{', '.join(map(str, array.shape))}]")


def _default(signature: Signature, name: str, rows: int) -> np.ndarray:
  value, spec = signature.defaults[name], signature.inputs[name]
  # The graph may broadcast one row; repeated, the request can stand in a batch with others.
  broadcast = value.ndim and len(value) == 1 and spec.shape[0] is None
  return np.repeat(value, rows, axis=0) if broadcast else value
