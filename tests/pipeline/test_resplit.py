import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrec_combo.pipeline.resplit import resplit

M = 6
ORDER = st.lists(st.integers(0, 50), min_size=1, max_size=M, unique=True)


def _rows(orders, cuts):
  basket, target = np.full((len(orders), M), -1, np.int32), np.full((len(orders), M), -1, np.int32)
  for i, (order, cut) in enumerate(zip(orders, cuts, strict=True)):
    basket[i, : cut % len(order)] = order[: cut % len(order)]
    target[i, : len(order) - cut % len(order)] = order[cut % len(order) :]
  return basket, target


def _draw(orders, cuts, seed):
  return [part.numpy() for part in resplit(*_rows(orders, cuts), seed)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ORDER, st.integers(0, M)), min_size=1, max_size=5), st.integers(0, 2**31 - 1))
def test_each_order_keeps_its_products_and_a_target(rows, seed):
  orders, cuts = zip(*rows, strict=True)
  basket, target = _draw(orders, cuts, [seed, 1])
  assert basket.shape == target.shape == (len(orders), M)
  assert np.all(target[:, 0] >= 0)
  for part in (basket, target):
    assert np.all((part[:, :-1] >= 0) | (part[:, 1:] < 0))  # pads stand behind
  for i, order in enumerate(orders):
    together = np.concatenate([basket[i], target[i]])
    assert sorted(together[together >= 0]) == sorted(order)  # none lost, none twice


def test_same_seed_same_draw():
  orders, cuts = [list(range(6))] * 50, [3] * 50
  first, again, other = (_draw(orders, cuts, seed) for seed in ([3, 4], [3, 4], [3, 5]))
  np.testing.assert_array_equal(first, again)
  assert not np.array_equal(first, other)
  # Orders of one batch are drawn apart.
  assert len({tuple(row) for row in first[0]}) > 10


@pytest.mark.parametrize("products", [2, 5])
def test_sizes_and_products_are_even(products):
  n = 20_000
  basket, _ = _draw([list(range(products))] * n, [1] * n, [7, 7])
  sizes = np.bincount((basket >= 0).sum(1), minlength=products)
  assert len(sizes) == products  # 0 to n - 1
  members = np.bincount(basket[basket >= 0], minlength=products)
  first = np.bincount(basket[basket[:, 0] >= 0, 0], minlength=products)
  for counts in (sizes, members, first):
    expected = counts.sum() / products
    # chi-square with at most 4 degrees of freedom exceeds 23.5 once in 10,000 seeds; this seed is fixed
    assert ((counts - expected) ** 2 / expected).sum() < 23.5


def test_an_order_wider_than_the_batch_keeps_a_random_part():
  basket = np.arange(8, dtype=np.int32)[None].repeat(3000, 0)[:, :4]
  target = basket + 4  # eight products, four places in each part
  drawn, rest = (part.numpy() for part in resplit(basket, target, [1, 2]))
  together = np.concatenate([drawn, rest], 1)
  for row in together[:50]:
    held = row[row >= 0]
    assert len(held) == len(set(held))
    assert set(held) <= set(range(8))
  shares = np.bincount(rest[rest >= 0], minlength=8) / (rest >= 0).sum()
  assert np.all(np.abs(shares - 1 / 8) < 0.02)
