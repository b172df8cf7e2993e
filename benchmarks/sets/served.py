"""The served model asked for sets: its `combine`, and as a peer the first products of its `recommend`."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.sets.problem import Asked
from tfrec_combo.cli.held_out import as_request
from tfrec_combo.metrics.ranking import PAD
from tfrec_combo.serving import model
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.requests import Request
from tfrec_combo.serving.signature import Signature

BATCH = 64
SHARED = {"history_ids", "history_days", "basket_ids", "exclude_ids", "query", "context"}
Progress = Callable[[int, int], object]


def combined(
  ours: model.Model,
  asked: Asked,
  ids: Sequence[str],
  wish: Mapping[str, float] | None = None,
  progress: Progress = lambda *_: None,
) -> np.ndarray:
  """[Q, C, M] products of the sets that `combine` answers, best set first, each of the asked size, or of the largest that
  the model makes where that is less.

  wish: values of other inputs, such as {"diversity": .3}, the same for every request.
  """
  described = ours.signature("combine")
  largest = described.outputs["set_ids"].shape[2] or 0
  sizes = np.minimum(asked.sizes, largest).astype(np.int32)

  def arrays(part: slice) -> dict[str, np.ndarray]:
    rows = len(sizes[part])
    # Models of this version take a range of sizes, those of the first one a size.
    said = {name: sizes[part] for name in ("size", "size_min", "size_max") if name in described.inputs}
    said |= {name: np.full(rows, value, described.inputs[name].dtype) for name, value in (wish or {}).items()}
    if "budget" in described.inputs and "budget" not in described.defaults:
      said |= {"budget": np.zeros(rows, np.float32)}
    return said

  return _answers(ours, "combine", asked, ids, "set_ids", arrays, progress)


def first(
  ours: model.Model, asked: Asked, ids: Sequence[str], progress: Progress = lambda *_: None
) -> np.ndarray:
  """[Q, 1, M] the first products of `recommend`, as many as each set must have."""
  ranked = _answers(ours, "recommend", asked, ids, "product_ids", lambda part: {}, progress)
  ranked = ranked[:, : asked.sizes.max(initial=1)]
  return np.where(np.arange(ranked.shape[1]) < asked.sizes[:, None], ranked, PAD)[:, None]


def largest(folder: pathlib.Path) -> int:
  """Products of the largest set that a model makes."""
  with model.load(folder) as ours:
    return ours.signature("combine").outputs["set_ids"].shape[2] or 0


def _answers(
  ours: model.Model,
  name: str,
  asked: Asked,
  ids: Sequence[str],
  output: str,
  more: Callable[[slice], dict[str, np.ndarray]],
  progress: Progress,
) -> np.ndarray:
  described = ours.signature(name)
  batcher, at = Batcher(_shared(described)), {product.encode(): row for row, product in enumerate(ids)}
  number = np.vectorize(lambda i: at.get(i, PAD), otypes=[np.int64])
  parts = []
  for start in range(0, len(asked.requests), BATCH):
    part = slice(start, start + BATCH)
    requests: list[Request] = [as_request(r, list(ids)) for r in asked.requests[part]]
    parts.append(number(ours.predict(name, batcher(requests) | more(part))[output]))
    progress(min(start + BATCH, len(asked.requests)), len(asked.requests))
  batcher.log_cut()
  return np.concatenate(parts)


def _shared(signature: Signature) -> Signature:
  """What every version of the package says the same way; all else is said here, or left to the signature's defaults."""
  return dataclasses.replace(
    signature, inputs={name: spec for name, spec in signature.inputs.items() if name in SHARED}
  )
