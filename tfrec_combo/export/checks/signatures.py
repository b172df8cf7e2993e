"""Signatures that TF Serving can serve row by row, and can batch."""

from typing import Any

from tfrec_combo.base import saved_model
from tfrec_combo.base.errors import ModelError, fault


def check(meta_graph: Any) -> None:
  """Raises a ModelError unless each tensor is dense, named, of rank 1 at least, open in dimension 0 and fixed in the others.

  Ragged outputs have no name and fail in C++; a scalar keeps a signature from being batched and answered by row; an open
  inner dimension would be padded by `pad_variable_length_inputs` with its own first element. Defaults must be one row.
  """
  for name, signature in saved_model.signatures(meta_graph).items():
    for side, tensors in (("input", signature.inputs), ("output", signature.outputs)):
      if not tensors:
        raise ModelError(fault(name, f"must have an {side}", "none", f"return or take a tensor as {side}"))
      for key, info in tensors.items():
        _check(f"{name}: {side} {key}", info)
    for key, value in signature.defaults.items():
      shape = [d.size for d in value.tensor_shape.dim]
      if key not in signature.inputs or shape[:1] != [1]:
        # TF Serving feeds a default as it stands: the graph repeats one row, and could not fit any other number.
        way_out = "give the default of one row, and repeat it in the graph"
        raise ModelError(fault(f"{name}: default {key}", "must be one row of an input", shape, way_out))


def _check(what: str, info: Any) -> None:
  if info.WhichOneof("encoding") != "name" or not info.name:
    raise ModelError(
      fault(what, "must be a dense tensor", info.WhichOneof("encoding"), "give .to_tensor() of it")
    )
  if info.tensor_shape.unknown_rank or not info.tensor_shape.dim:
    rank = "unknown" if info.tensor_shape.unknown_rank else 0
    raise ModelError(
      fault(what, "must have rank 1 or more", rank, "give it a row for each request, [B, ...]")
    )
  sizes = [d.size for d in info.tensor_shape.dim]
  if sizes[0] != -1:
    raise ModelError(fault(what, "must be open in dimension 0, the batch", sizes, "trace it with None there"))
  if any(size < 0 for size in sizes[1:]):
    raise ModelError(
      fault(
        what, "must be fixed in every dimension but the first", sizes, "pad to a fixed size, tf.ensure_shape"
      )
    )
