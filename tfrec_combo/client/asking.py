"""What a shopper is asked for -> the inputs that a signature declares."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.client.signatures import Signature, Tensor


@dataclasses.dataclass(frozen=True)
class Bought:
  """One line of a history: a product, and the days since it was bought."""

  product_id: str
  days_ago: float = 0.0


@dataclasses.dataclass(frozen=True)
class Shopper:
  """Who is asked for. Everything may be left out: the empty shopper gets the popular answer.

  history: what they bought, product ids or `Bought`; basket: what lies in it now; query: what they look for, in words;
  context: a tag the log has, such as a store; exclude: products not to be answered.
  """

  history: Sequence[str | Bought] = ()
  basket: Sequence[str] = ()
  query: str = ""
  context: str = ""
  exclude: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class SetWishes:
  """What a set must be; None leaves each to the model.

  size_min, size_max: products in it. budget: the most it may cost. must_include: products that stand in each set.
  one_per_category: the depth of the category path that may not repeat. allowed_categories: paths that members lie below.
  in_stock: the only products that may be answered. diversity: 0 to 1, how unlike each other the sets are.
  """

  size_min: int | None = None
  size_max: int | None = None
  budget: float | None = None
  must_include: Sequence[str] | None = None
  one_per_category: int | None = None
  allowed_categories: Sequence[str] | None = None
  in_stock: Sequence[str] | None = None
  diversity: float | None = None

  def inputs(self) -> dict[str, Any]:
    """What is wished for by input name."""
    names = {
      "must_include": "must_include_ids",
      "in_stock": "in_stock_ids",
    }
    said = {names.get(f.name, f.name): getattr(self, f.name) for f in dataclasses.fields(self)}
    return {name: value for name, value in said.items() if value is not None}


def inputs(signature: Signature, shopper: Shopper, wishes: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """One row of every input that `signature` declares.

  Lists of the shopper that are too long are cut: the newest of the history, the first of the others. Wishes are not: a
  wish that is cut is another wish. What nobody says is the model's default, or nothing.

  Raises:
    DataError: a wish is not an input of the signature, or has another type, or does not fit.
  """
  wishes = {k: v for k, v in wishes.items() if v is not None}
  for name in wishes.keys() - signature.inputs.keys():
    way_out = f"leave it out, or serve a model that takes it; this one takes {', '.join(signature.inputs)}"
    raise DataError(fault(name, "must be an input of the served signature", wishes[name], way_out))
  said = _said(shopper) | wishes
  return {name: _filled(name, tensor, said, signature) for name, tensor in signature.inputs.items()}


def beyond(signature: Signature, shopper: Shopper) -> set[str]:
  """Products of basket and exclusions that did not fit the inputs; an answer leaves them out all the same."""
  found: set[str] = set()
  for name, ids in (("basket_ids", shopper.basket), ("exclude_ids", shopper.exclude)):
    if name in signature.inputs:
      found.update(_distinct(ids)[_width(signature.inputs[name]) :])
  return found


def _said(shopper: Shopper) -> dict[str, Any]:
  lines = [line if isinstance(line, Bought) else Bought(line) for line in shopper.history]
  for line in lines:
    if not (math.isfinite(line.days_ago) and line.days_ago >= 0):
      raise DataError(
        fault("days_ago", "must be 0 or more", line.days_ago, "leave it out if it is not known")
      )
  lines.sort(key=lambda line: line.days_ago)  # stable: as given within a day
  return {
    "history_ids": [line.product_id for line in lines],
    "history_days": [line.days_ago for line in lines],
    "basket_ids": _distinct(shopper.basket),
    "query": shopper.query,
    "context": shopper.context,
    "exclude_ids": _distinct(shopper.exclude),
  }


_CUT = {"history_ids", "history_days", "basket_ids", "exclude_ids"}


def _filled(name: str, tensor: Tensor, said: Mapping[str, Any], signature: Signature) -> np.ndarray:
  if name not in said:
    usual = signature.defaults.get(name)
    if usual is not None and len(tensor.shape) == 1:
      return usual
    return np.full([1, *(n or 1 for n in tensor.shape[1:])], _neutral(name, tensor, signature), tensor.dtype)
  value = said[name]
  if len(tensor.shape) == 1:
    return _array(name, tensor, [value])
  if len(tensor.shape) > 2:
    return _array(name, tensor, value)
  width = tensor.shape[1] or max(1, len(value))
  if len(value) > width and name not in _CUT:
    way_out = "send fewer, or export the model with a larger input"
    raise DataError(fault(name, f"must be at most {width}", len(value), way_out))
  pad = "" if tensor.dtype == object else 0
  return _array(name, tensor, [[*value[:width], *[pad] * (width - len(value))]])


def _neutral(name: str, tensor: Tensor, signature: Signature) -> Any:
  """What says nothing, where the server tells no default: sets of 2 to 4 products, else "" and 0."""
  largest = signature.outputs["set_ids"].shape[-1] or 4 if "set_ids" in signature.outputs else 4
  sizes = {"size_min": 2, "size_max": min(4, largest)}
  return "" if tensor.dtype == object else sizes.get(name, 0)


def _array(name: str, tensor: Tensor, values: Any) -> np.ndarray:
  kind = "strings" if tensor.dtype == object else "numbers"
  try:
    filled = np.array(values, tensor.dtype)
  except (TypeError, ValueError, OverflowError) as e:
    raise DataError(fault(name, f"must be {kind}", values, str(e))) from None
  wrong = [v for v in filled.flat if not isinstance(v, str)] if tensor.dtype == object else []
  if wrong:
    raise DataError(fault(name, "must be strings", wrong[0], "ids are strings: write str(17)"))
  if tensor.dtype != object and not np.isfinite(filled).all():
    raise DataError(fault(name, "must be finite", values, "leave it out if it is not known"))
  return filled


def _width(tensor: Tensor) -> int:
  return tensor.shape[1] or 1 << 30


def _distinct(ids: Iterable[str]) -> list[str]:
  return list(dict.fromkeys(ids))
