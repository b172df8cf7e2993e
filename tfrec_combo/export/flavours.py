"""The two forms a trained model is served in, with the same signatures: over ScaNN's ops, or over TensorFlow's own alone."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfrec_combo.base.config import Config
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.retrieval import autopilot
from tfrec_combo.retrieval.index import Index
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import SMALLEST_HASH, ScannIndex
from tfrec_combo.training.assemble import shown

FLAVOURS = ("scann", "portable")


@dataclasses.dataclass(frozen=True)
class Served:
  """The index that is served, and what it was found to give with which settings, where it is not exact."""

  index: Index
  tuned: autopilot.Tuned | None

  def describe(self) -> dict[str, Any]:
    """What JSON can hold."""
    told = self.index.describe()
    return told if self.tuned is None else told | {"recall": round(self.tuned.chosen.recall, 4)}


def own(config: Config) -> str:
  """The flavour of the index that the model is trained with."""
  return "scann" if config.retrieval.index == "scann" else "portable"


def wanted(config: Config) -> tuple[str, ...]:
  """The flavours that an export writes, the model's own first."""
  asked = config.export.flavour or own(config)
  if asked != "both":
    return (asked,)
  return (own(config), *(f for f in FLAVOURS if f != own(config)))


def folder(config: Config, flavour: str) -> pathlib.Path:
  """The model's folder: <export.folder>/<name> of its own flavour, and <name>-<flavour> of the other."""
  suffix = "" if flavour == own(config) else f"-{flavour}"
  return pathlib.Path(config.export.folder) / (config.name + suffix)


@contextlib.contextmanager
def served_by(
  ranker: Ranker, ids: list[str], config: Config, flavour: str, queries: np.ndarray | None = None
) -> Iterator[Served]:
  """The ranker over the index of a flavour, and afterwards over its own again.

  Args:
    queries: [Q, D] held-out query vectors, by which it is set to `index.recall_target`, or measured where there is none.
  """
  near = ranker.candidates.wording.near if ranker.candidates.wording is not None else None
  own_index = ranker.index
  own_near = near.index if near is not None else own_index
  try:
    tuned, right = None, isinstance(own_index, ScannIndex if flavour == "scann" else PortableIndex)
    with tf.device("/CPU:0"):  # ScaNN's ops and tables of strings live nowhere else
      vectors = shown(ranker.features.vectors.numpy(), ranker.candidates.offered.numpy())
      target = config.index.recall_target
      asked = queries if approximates(flavour, len(ids), config) else None
      if target is not None and asked is not None:
        make = lambda leaves: _made(flavour, config, leaves)
        tuned = autopilot.tune(make, vectors, ids, asked, config.retrieval.k, target)
        ranker.index = tuned.index
      elif not right:
        ranker.index = _made(flavour, config).build(vectors, ids)
      if target is None and asked is not None:
        tuned = autopilot.survey(ranker.index, vectors, asked, config.retrieval.k)
      if near is not None and not right:
        near.index = _made(flavour, config).build(near.texts.numpy(), ids)
    yield Served(ranker.index, tuned)
  finally:
    ranker.index = own_index
    if near is not None:
      near.index = own_near


def approximates(flavour: str, products: int, config: Config) -> bool:
  """Whether the index of a flavour does not score every product of so many."""
  return products >= (SMALLEST_HASH if flavour == "scann" else config.index.exact_below)


def _made(flavour: str, config: Config, leaves: int | None = None) -> Index:
  if flavour == "scann":
    return ScannIndex(leaves=leaves)
  return PortableIndex(config.index.exact_below, leaves)
