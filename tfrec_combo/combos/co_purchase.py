"""Which products are bought together, from the orders alone: the J strongest neighbours of each product, with counts."""

import dataclasses

import numpy as np
import scipy.sparse as sp


@dataclasses.dataclass(frozen=True)
class CoPurchase:
  """Neighbours by cosine over orders, strongest first.

  rows: [N, J] int32, pads -1. together: [N, J] float32, orders that hold both. orders: [N] float32, orders that hold the
  product. total: orders in all.
  """

  rows: np.ndarray
  together: np.ndarray
  orders: np.ndarray
  total: int


def count(orders: sp.csr_matrix, neighbours: int, shrink: float, block: int = 2048) -> CoPurchase:
  """Counts pairs, a block of products at a time, so that memory is that of `block` rows of the product matrix.

  Args:
    orders: [orders, N], one where the order holds the product.
    neighbours: J.
    shrink: s of the cosine n_ab / (sqrt(n_a n_b) + s), which keeps a pair of rare products seen together once from
      standing before pairs with evidence.
  """
  orders = orders.astype(np.float32)
  orders.data[:] = 1
  n = orders.shape[1]
  held = np.asarray(orders.sum(axis=0)).ravel()
  by_product = orders.T.tocsr()
  rows = np.full([n, neighbours], -1, np.int32)
  together = np.zeros([n, neighbours], np.float32)
  root = np.sqrt(np.maximum(held, 1))
  for start in range(0, n, block):
    pairs = (by_product[start : start + block] @ orders).tocsr()
    for i in range(pairs.shape[0]):
      a = start + i
      part = slice(pairs.indptr[i], pairs.indptr[i + 1])
      others, seen = pairs.indices[part], pairs.data[part]
      kept = others != a
      others, seen = others[kept], seen[kept]
      cosine = seen / (root[a] * root[others] + shrink)
      # Ties go to the lower row, so that two runs are equal.
      best = np.lexsort((others, -cosine))[:neighbours]
      rows[a, : len(best)], together[a, : len(best)] = others[best], seen[best]
  return CoPurchase(rows, together, held.astype(np.float32), orders.shape[0])


def order_matrix(orders: list[np.ndarray], products: int) -> sp.csr_matrix:
  """[orders, N] from the product rows of each order."""
  lengths = np.fromiter((len(o) for o in orders), np.int64, len(orders))
  indptr = np.concatenate([[0], np.cumsum(lengths)])
  indices = np.concatenate(orders) if orders else np.zeros(0, np.int32)
  return sp.csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=(len(orders), products))
