"""Co-purchase counts against a dense matrix."""

import numpy as np
import pytest
import scipy.sparse as sp

from tests import makers
from tfrec_combo.combos.co_purchase import count, order_matrix


def random_orders(products, seed=0):
  rng = np.random.default_rng(seed)
  return [rng.permutation(products)[: rng.integers(0, 6)] for _ in range(80)]


@pytest.mark.parametrize("block", [1, 7, 2048])
@pytest.mark.parametrize("neighbours", [1, 4, 40])
@pytest.mark.parametrize("shrink", [0.0, 3.0])
def test_against_the_dense_matrix(neighbours, shrink, block):
  products = 20
  orders = random_orders(products)
  held = np.zeros([len(orders), products])
  for row, order in zip(held, orders):
    row[order] = 1
  pairs, size = held.T @ held, held.sum(axis=0)
  cosine = pairs / (np.sqrt(np.outer(size, size)) + shrink)
  np.fill_diagonal(cosine, 0)

  found = count(order_matrix(orders, products), neighbours, shrink, block=block)

  np.testing.assert_array_equal(found.orders, size)
  assert found.total == len(orders)
  assert found.rows.shape == found.together.shape == (products, neighbours)
  for a in range(products):
    n = min(neighbours, int((cosine[a] > 0).sum()))
    rows = found.rows[a, :n]
    assert len(set(rows)) == n
    np.testing.assert_array_equal(found.together[a, :n], pairs[a, rows])
    np.testing.assert_allclose(cosine[a, rows], -np.sort(-cosine[a])[:n], rtol=1e-6)
    assert (found.rows[a, n:] == -1).all()
    assert (found.together[a, n:] == 0).all()


def test_ties_go_to_the_lower_row():
  found = makers.orders([[4, 0], [4, 3], [4, 1], [2]], 5)
  assert found.rows[4].tolist() == [0, 1, 3, -1, -1]
  assert found.rows[2].tolist() == [-1] * 5


def test_shrinking_puts_evidence_before_one_lucky_order():
  lucky = order_matrix([np.array(o) for o in ([0, 1], [0, 1], [0, 2], [1], [1], [1], [1])], 4)
  # 0-1: 2 / sqrt(3 * 6) = .47, 0-2: 1 / sqrt(3) = .58; less evidence: 2 / (4.24 + 5) = .22, 1 / (1.73 + 5) = .15
  assert count(lucky, 1, 0.0).rows[0, 0] == 2
  assert count(lucky, 1, 5.0).rows[0, 0] == 1


def test_quantities_are_no_counts_and_the_matrix_stays_as_it_was():
  orders = sp.csr_matrix(np.array([[3.0, 1.0, 0.0], [5.0, 0.0, 2.0]]))
  before = orders.copy()
  found = count(orders, 2, 0.0)
  assert found.orders.tolist() == [2, 1, 1]
  assert found.together[0].tolist() == [1, 1]
  assert (orders != before).nnz == 0


def test_no_orders_at_all():
  found = count(order_matrix([], 3), 2, 0.0)
  assert found.total == 0
  assert (found.rows == -1).all()
