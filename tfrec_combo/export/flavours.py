"""The two forms a trained model is served in, with the same signatures: over ScaNN's ops, or over TensorFlow's own alone."""

import contextlib
import pathlib
from collections.abc import Iterator

from tfrec_combo.base.config import Config
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.retrieval.index import Index
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex
from tfrec_combo.towers.catalogue import Catalogue

FLAVOURS = ("scann", "portable")


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
def served_by(ranker: Ranker, catalogue: Catalogue, config: Config, flavour: str) -> Iterator[Index]:
  """The ranker over the index of a flavour, and afterwards over its own again. Yields the index over the towers."""
  near = ranker.candidates.wording.near if ranker.candidates.wording is not None else None
  own_index = ranker.index
  own_near = near.index if near is not None else own_index
  try:
    if not isinstance(ranker.index, ScannIndex if flavour == "scann" else PortableIndex):
      ranker.index = _built(flavour, config, ranker.features.vectors, catalogue)
      if near is not None:
        near.index = _built(flavour, config, near.texts, catalogue)
    yield ranker.index
  finally:
    ranker.index = own_index
    if near is not None:
      near.index = own_near


def _built(flavour: str, config: Config, vectors: tf.Variable, catalogue: Catalogue) -> Index:
  index: Index = ScannIndex() if flavour == "scann" else PortableIndex(config.index.exact_below)
  with tf.device("/CPU:0"):  # ScaNN's ops and tables of strings live nowhere else
    return index.build(vectors.numpy(), catalogue.ids)
