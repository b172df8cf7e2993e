"""Association rules (Agrawal, Imielinski, Swami, SIGMOD 1993), mined by the library mlxtend."""

import importlib.util
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from benchmarks.quality.peers.scored import Scorer, given
from tfrec_combo.evaluation.shelf import Shelf
from tfrec_combo.logs.decisions import Decision


def available() -> bool:
  """Whether mlxtend is installed."""
  return importlib.util.find_spec("mlxtend") is not None


def rules(shelf: Shelf, orders: sp.csr_matrix, support: float, longest: int, confidence: float) -> Scorer:
  """The confidence of the surest rule that leads from products of the basket to a product, 0 without one.

  orders: [O, N]. support: share of the orders that hold all products of a rule. longest: products of a rule, with the one
  that it leads to. confidence: the least.
  """
  import pandas as pd
  from mlxtend.frequent_patterns import association_rules, fpgrowth

  shelved = shelf.columns(orders)
  counts = np.bincount(shelved.indices, minlength=len(shelf))
  kept = np.flatnonzero(counts >= support * shelved.shape[0])  # the rest only costs time
  frame = pd.DataFrame.sparse.from_spmatrix(shelved[:, kept].astype(bool))
  frequent = fpgrowth(frame, min_support=support, max_len=longest)
  found = association_rules(frequent, metric="confidence", min_threshold=confidence)
  found = found[found.consequents.map(len) == 1]
  sizes = found.antecedents.map(len).to_numpy(np.int64)
  rows = np.repeat(np.arange(len(found)), sizes)
  columns = kept[[i for antecedent in found.antecedents for i in antecedent]]
  needed = sp.csr_matrix(
    (np.ones(len(rows), np.float32), (rows, columns)), (len(found), len(shelf))
  ).T.tocsr()
  leads_to = kept[[i for consequent in found.consequents for i in consequent]]
  sure = found.confidence.to_numpy(np.float32)
  basket = given(shelf)

  def score(chunk: Sequence[Decision]) -> np.ndarray:
    met = sp.csr_matrix(
      sp.csr_matrix(basket(chunk)) @ needed
    )  # products of each rule that lie in each basket
    scores = np.zeros((len(chunk), len(shelf)), np.float32)
    for row, values in enumerate(scores):
      part = slice(met.indptr[row], met.indptr[row + 1])
      fired = met.indices[part][met.data[part] == sizes[met.indices[part]]]
      np.maximum.at(values, leads_to[fired], sure[fired])
    return scores

  return score
