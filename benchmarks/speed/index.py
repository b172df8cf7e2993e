"""Building the indexes of both flavours, beside ScaNN's own builder with the same settings over the same vectors."""

import pathlib
from typing import Any

import numpy as np

from benchmarks.index.__main__ import PER_CLUSTER, clustered
from benchmarks.speed.request import LARGE, QUICK
from benchmarks.speed.rows import Row, compared, in_turns
from tfrec_combo.base.stack import load
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex

DIM = 64


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Nothing is kept."""
  products = QUICK if quick else LARGE
  vectors = clustered(products, DIM, products // PER_CLUSTER, 1)
  ids = [str(i) for i in range(products)]
  ways = {
    "scann": lambda: ScannIndex().build(vectors, ids),
    "portable": lambda: PortableIndex().build(vectors, ids),
    "bare": lambda: _bare(vectors),
  }
  taken = in_turns(ways)
  against = "ScaNN's own builder, the settings of `scann`"
  return [
    compared(f"index build, {products:,} products, {name}", against, taken[name], taken["bare"])
    for name in ("scann", "portable")
  ]


def _bare(vectors: np.ndarray) -> Any:
  index = ScannIndex()
  leaves, sample = int(np.sqrt(len(vectors))), min(len(vectors), 250_000)
  builder = load("scann").scann_ops_pybind.builder(vectors, 100, "dot_product")
  builder = builder.tree(
    leaves, int(leaves * index.leaves_share), training_sample_size=sample, spherical=False
  )
  return builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(200).build()
