"""What requests ask of sets -> the arrays of one batch. Nothing is cut here: a wish that does not fit is refused."""

from collections.abc import Callable, Sequence

import numpy as np

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.serving.requests import Request
from tfrec_combo.serving.signature import Signature

Arrays = dict[str, np.ndarray]
DEEPEST = 1 << 20  # a category depth beyond any: the leaf


def sizes(signature: Signature, requests: Sequence[Request]) -> Arrays:
  """size_min and size_max; `size` stands for both, and what is left out is the model's own."""
  largest = signature.outputs["set_ids"].shape[2] or 0
  usual = {n: int(signature.defaults[n][0]) for n in ("size_min", "size_max") if n in signature.defaults}
  least, most = [], []
  for request in requests:
    given = (request.size, request.size_min, request.size_max)
    asked = max((n for n in given if n is not None), default=0)
    if asked > largest:
      rule = f"must be at most {largest}, the largest set this model makes"
      way_out = "ask for fewer products, or export the model with a larger `combine.size`"
      raise DataError(fault("size", rule, asked, way_out))
    low = request.size or request.size_min
    high = request.size or request.size_max
    # One that is said moves the other out of its way.
    least.append(low if low is not None else min(usual.get("size_min", 1), high or largest))
    most.append(high if high is not None else max(usual.get("size_max", largest), least[-1]))
  return {"size_min": np.array(least, np.int32), "size_max": np.array(most, np.int32)}


def depths(signature: Signature, requests: Sequence[Request]) -> Arrays:
  """one_per_category: how deep a category is told apart, 0 where a set may hold several of one."""
  said = lambda wish: DEEPEST if wish is True else int(wish or 0)
  return {"one_per_category": np.array([said(r.one_per_category) for r in requests], np.int32)}


def budgets(signature: Signature, requests: Sequence[Request]) -> Arrays:
  """budget, 0 for none."""
  return {"budget": np.array([r.budget or 0.0 for r in requests], np.float32)}


def must_include(signature: Signature, requests: Sequence[Request]) -> Arrays:
  """must_include_ids."""
  way_out = "ask for fewer, or export the model with a larger `combine.size`"
  return _filled(signature, "must_include_ids", "must_include", requests, way_out)


def categories(signature: Signature, requests: Sequence[Request]) -> Arrays:
  """allowed_categories."""
  way_out = "name a category above them, or export the model with a larger `export.categories`"
  return _filled(signature, "allowed_categories", "allowed_categories", requests, way_out)


def in_stock(signature: Signature, requests: Sequence[Request]) -> Arrays:
  """in_stock_ids."""
  way_out = "exclude what is out of stock instead, or export the model with a larger `export.in_stock`"
  return _filled(signature, "in_stock_ids", "in_stock", requests, way_out)


def ready_made(signature: Signature, requests: Sequence[Request]) -> Arrays:
  """set_ids of the sets that are to be ranked."""
  count, size = (n or 0 for n in signature.inputs["set_ids"].shape[1:])
  filled = np.full((len(requests), count, size), "", object)
  for row, request in zip(filled, requests):
    given = request.sets or []
    _fits(
      "sets",
      len(given),
      count,
      "ask again for the rest, or export the model with a larger `export.ready_made`",
    )
    for place, ids in zip(row, given):
      way_out = "leave such sets out, or export the model with a larger `export.ready_made_size`"
      _fits("sets: products of a set", len(ids), size, way_out)
      place[: len(ids)] = ids
  return {"set_ids": filled}


def _filled(signature: Signature, name: str, field: str, requests: Sequence[Request], way_out: str) -> Arrays:
  width = signature.inputs[name].shape[1] or 0
  filled = np.full((len(requests), width), "", object)
  for row, request in zip(filled, requests):
    values = list(dict.fromkeys(getattr(request, field) or ()))
    _fits(field, len(values), width, way_out)
    row[: len(values)] = values
  return {name: filled}


def _fits(field: str, count: int, most: int, way_out: str) -> None:
  if count > most:
    raise DataError(fault(field, f"must be at most {most}, what this model takes", count, way_out))


INPUTS: dict[str, Callable[[Signature, Sequence[Request]], Arrays]] = {
  "size_min": sizes,
  "size_max": sizes,
  "one_per_category": depths,
  "budget": budgets,
  "must_include_ids": must_include,
  "allowed_categories": categories,
  "in_stock_ids": in_stock,
  "set_ids": ready_made,
}
