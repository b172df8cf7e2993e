"""How much of its answers a new version of a model keeps: what holds a bad one back."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from tfrec_combo.base.errors import ModelError, fault
from tfrec_combo.serving import answers
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.model import Model
from tfrec_combo.serving.requests import Request
from tfrec_combo.serving.signature import Signature

SIGNATURE = "recommend"
BATCH = 64

Predict = Callable[
  [str, Mapping[str, np.ndarray]], Mapping[str, np.ndarray]
]  # signature and inputs -> answers


@dataclasses.dataclass(frozen=True)
class Live:
  """A model that is not loaded from its folder: how `recommend` is described there, and what answers it."""

  described: Signature
  predict: Predict

  def signature(self, _: str) -> Signature:
    """As `Model.signature`."""
    return self.described


def overlap(old: Model, new: Model | Live, asked: Sequence[Request], k: int, gone: Collection[str]) -> float:
  """Mean share of the old version's k best products that are among the new version's, without those `gone`.

  A product that may no longer be answered is not missed; one that is new may take a place. 1 where there is nothing to keep.
  """
  shares = []
  for start in range(0, len(asked), BATCH):
    part = asked[start : start + BATCH]
    before, after = (_best(model, part, k, gone) for model in (old, new))
    shares += [len(set(a) & set(b)) / len(a) for a, b in zip(before, after) if a]
  return sum(shares) / len(shares) if shares else 1.0


def check(
  old: Model, new: Model | Live, asked: Sequence[Request], k: int, gone: Collection[str], least: float
) -> float:
  """`overlap`, where it is enough.

  Raises:
    ModelError: it is less than `least`.
  """
  kept = overlap(old, new, asked, k, gone)
  if kept < least:
    rule = f"must keep {least:.0%} of what {old.name} answers to {len(asked)} held-out requests"
    way_out = "look at the products table (texts, categories, prices), or allow it with --least-overlap"
    raise ModelError(fault("the new version", rule, f"{kept:.0%}", way_out))
  return kept


def _best(model: Model | Live, asked: Sequence[Request], k: int, gone: Collection[str]) -> list[list[str]]:
  outputs = model.predict(SIGNATURE, Batcher(model.signature(SIGNATURE))(asked))
  return [answers.ids(outputs, row, k, gone) for row in range(len(asked))]
