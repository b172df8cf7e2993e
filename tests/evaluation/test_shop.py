"""What is told of a shop's tail and of where recommended places go."""

import hypothesis
import hypothesis.strategies as st
import numpy as np

from tfrec_combo.evaluation.shop import TENTHS, exposure, tail, tenths


def test_the_tail_of_a_known_shop():
  found = tail(np.array([0, 1, 98, 1]))
  assert found["rank"] == [1, 2, 3]
  assert found["orders"] == [98, 1, 1]
  assert found["top"] == {"0.01": 0.98, "0.1": 0.98, "0.5": 0.99}
  assert found["never"] == 1


def test_a_shop_without_orders_has_no_tail():
  found = tail(np.zeros(3, int))
  assert (found["rank"], found["orders"], found["never"]) == ([], [], 3)
  assert set(found["top"].values()) == {None}


@hypothesis.given(st.lists(st.integers(0, 1000), min_size=1, max_size=60))
def test_tenths_follow_popularity_and_keep_the_never_ordered_apart(orders):
  found = tenths(np.array(orders))
  assert [g == TENTHS for g in found] == [n == 0 for n in orders]
  for a, b in zip(orders, found):
    assert all(d >= b for c, d in zip(orders, found) if 0 < c < a), "less bought is never in an earlier group"


def test_exposure_counts_places_and_targets():
  orders = np.array([5] * 2 + [1] * 10 + [0])  # 20 lines: the first two products fill five tenths
  ranked = {"ours": np.array([[0, 12, 3], [0, -1, 4]])}
  found = exposure(ranked, [np.array([12]), np.array([0])], orders, 2)
  assert sum(found["products"]) == 13
  assert found["products"][0] == 1
  assert found["products"][TENTHS] == 1
  assert found["systems"]["ours"][0] == 0.6667, "of three places that are filled"
  assert found["systems"]["ours"][TENTHS] == 0.3333
  assert (found["truth"][0], found["truth"][TENTHS]) == (0.5, 0.5)
