"""Requests -> the arrays of one batch, in the sizes that the model was exported with."""

import collections
import functools
import logging
from collections.abc import Callable, Sequence

import numpy as np

from tfrec_combo.base.errors import DataError, ModelError, fault
from tfrec_combo.serving import set_inputs
from tfrec_combo.serving.requests import Request
from tfrec_combo.serving.signature import Signature

# Wishes that not every signature takes, by the input that each becomes.
WISHES = {"diversity": "diversity", "novelty": "novelty", "sets": "set_ids"} | {
  name: "size_min" for name in ("size", "size_min", "size_max")
}
WISHES |= {"budget": "budget", "must_include": "must_include_ids", "one_per_category": "one_per_category"}
WISHES |= {"allowed_categories": "allowed_categories", "in_stock": "in_stock_ids"}
_TAKES = {name: "ask combine, or leave it out" for name in WISHES.values()} | {
  "diversity": "ask recommend, complete_basket or combine, or leave it out",
  "novelty": "ask recommend or complete_basket, or leave it out",
  "set_ids": "ask rank_bundles, or leave it out",
}
BUNDLES = "exclude_bundle_ids"  # the input that tells a signature of bundles from one of products

_log = logging.getLogger(__name__)


class Batcher:
  """Makes the inputs of one signature, and counts what did not fit.

  Longer lists are cut: the newest H lines of the history are kept, and the first M and X of basket and exclusions.
  `beyond` says what an answer must leave out all the same. `cut`: requests cut, by input.
  """

  def __init__(self, signature: Signature):
    self.signature = signature
    self.cut: collections.Counter[str] = collections.Counter()
    unknown = signature.inputs.keys() - _INPUTS.keys()
    if unknown:
      rule = "must be an input this version knows"
      raise ModelError(
        fault(min(unknown), rule, "another", "serve the model with the version that exported it")
      )

  def __call__(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    """One batch: input name -> array, dimension 0 as long as `requests`.

    Raises:
      DataError: a request asks for a larger set than the model makes, or for something that the signature does not take.
    """
    for name, becomes in WISHES.items():
      if becomes not in self.signature.inputs and any(getattr(r, name) is not None for r in requests):
        raise DataError(
          fault(name, "must be a wish that the signature takes", "one that does not", _TAKES[becomes])
        )
    arrays: dict[str, np.ndarray] = {}
    for name in self.signature.inputs:
      if name not in arrays:
        arrays |= _INPUTS[name](self, requests)
    return {name: arrays[name] for name in self.signature.inputs}  # one of bundles takes no days

  def beyond(self, request: Request) -> set[str]:
    """Products of the basket and the exclusions that did not fit the model's inputs; of bundles, the exclusions."""
    basket, exclude = _distinct(request.basket), _distinct(request.exclude)
    if BUNDLES in self.signature.inputs:
      return set(exclude[self._width(BUNDLES) :])
    return {*basket[self._width("basket_ids") :], *exclude[self._width("exclude_ids") :]}

  def log_cut(self) -> None:
    """Says once what was cut."""
    told = [f"{name} of {n} (longest kept: {self._width(name)})" for name, n in sorted(self.cut.items())]
    if told:
      _log.warning("requests were cut to what the model takes: %s", ", ".join(told))

  def _width(self, name: str) -> int:
    return self.signature.inputs[name].shape[1] or 0

  def _fill(self, name: str, lists: Sequence[Sequence[str]]) -> np.ndarray:
    width = self._width(name)
    filled = np.full((len(lists), width), "", object)
    for row, values in zip(filled, lists):
      row[: len(values)] = values[:width]
      self.cut[name] += len(values) > width
    self.cut += collections.Counter()  # drops the zeros
    return filled

  def _history(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    ids, days = [], np.zeros((len(requests), self._width("history_ids")), np.float32)
    for row, request in zip(days, requests):
      history = request.history or []
      ago = np.array([line.get("days_ago", 0.0) for line in history], np.float32)
      if (ago[1:] < ago[:-1]).any():
        order = np.argsort(ago, kind="stable")
        history, ago = [history[i] for i in order], ago[order]
      ids.append([line["product_id"] for line in history])
      row[: len(ago)] = ago[: len(row)]
    return {"history_ids": self._fill("history_ids", ids), "history_days": days}

  def _basket(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    return {"basket_ids": self._fill("basket_ids", [_distinct(r.basket) for r in requests])}

  def _exclude(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    return {"exclude_ids": self._fill("exclude_ids", [_distinct(r.exclude) for r in requests])}

  def _bundle_history(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    name = "bundle_history_ids"
    return {name: self._fill(name, [_distinct(r.bundle_history) for r in requests])}

  def _exclude_bundles(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    return {BUNDLES: self._fill(BUNDLES, [_distinct(r.exclude) for r in requests])}

  def _query(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    return {"query": np.array([r.query or "" for r in requests], object)}

  def _context(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    return {"context": np.array([r.context or "" for r in requests], object)}

  def _weights(self, requests: Sequence[Request]) -> dict[str, np.ndarray]:
    there = [name for name in ("diversity", "novelty") if name in self.signature.inputs]
    usual = {
      name: float(self.signature.defaults[name][0]) for name in there if name in self.signature.defaults
    }
    said = lambda value, name: usual.get(name, 0.0) if value is None else value
    return {name: np.array([said(getattr(r, name), name) for r in requests], np.float32) for name in there}


def _of_sets(
  make: Callable[[Signature, Sequence[Request]], dict[str, np.ndarray]],
  batcher: Batcher,
  requests: Sequence[Request],
) -> dict[str, np.ndarray]:
  return make(batcher.signature, requests)


_INPUTS: dict[str, Callable[[Batcher, Sequence[Request]], dict[str, np.ndarray]]] = {
  "history_ids": Batcher._history,
  "history_days": Batcher._history,
  "basket_ids": Batcher._basket,
  "exclude_ids": Batcher._exclude,
  "bundle_history_ids": Batcher._bundle_history,
  BUNDLES: Batcher._exclude_bundles,
  "query": Batcher._query,
  "context": Batcher._context,
  "diversity": Batcher._weights,
  "novelty": Batcher._weights,
  **{name: functools.partial(_of_sets, make) for name, make in set_inputs.INPUTS.items()},
}


def _distinct(ids: Sequence[str] | None) -> list[str]:
  return list(dict.fromkeys(ids or ()))
