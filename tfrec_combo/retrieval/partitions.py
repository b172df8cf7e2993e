"""Vectors in groups of near ones, learned by ScaNN's k-means: the fastest that the stack brings."""

import dataclasses

import numpy as np

from tfrec_combo.base.stack import scann_ops

LEARNT_FROM = 250_000  # vectors at most, so that learning stays linear in the catalogue
TOKENS = 2  # place of each vector's partition among the tensors of a ScaNN searcher


@dataclasses.dataclass(frozen=True)
class Partitions:
  """rows: [N] int32, all rows partition by partition. starts: [L + 1] int32, where each begins in `rows`; the last is N.
  centres: [L, D] float32, the mean of each."""

  rows: np.ndarray
  starts: np.ndarray
  centres: np.ndarray


def partitions(vectors: np.ndarray, leaves: int) -> Partitions:
  """At most `leaves` partitions of vectors [N, D], none of them empty."""
  leaves = max(1, min(leaves, len(vectors)))
  if leaves == 1:
    of_row = np.zeros(len(vectors), np.int64)
  else:
    builder = scann_ops.builder(vectors, 1, "dot_product")
    sample = min(len(vectors), LEARNT_FROM)
    searcher = (
      builder.tree(leaves, 1, training_sample_size=sample, spherical=False).score_brute_force().build()
    )
    _, of_row = np.unique(
      scann_ops.scann_to_tensors(searcher.searcher_handle)[TOKENS].numpy(), return_inverse=True
    )
  sizes = np.bincount(of_row)
  rows = np.argsort(of_row, kind="stable").astype(np.int32)
  starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
  centres = np.add.reduceat(vectors[rows], starts[:-1], axis=0, dtype=np.float64) / sizes[:, None]
  return Partitions(rows, starts, centres.astype(np.float32))
