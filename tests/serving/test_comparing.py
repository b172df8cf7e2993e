"""Two answers of one request: what rounding may change, and what not."""

import numpy as np
import pytest

from tfrec_combo.base.errors import ModelError
from tfrec_combo.serving.comparing import difference, near


def answer(ids, scores, **more):
  return {"product_ids": np.array([[i.encode() for i in ids]], object), "scores": np.array([scores])} | {
    name: np.array([values]) for name, values in more.items()
  }


BEFORE = answer("abcd", [3.0, 2.0, 2.0, 1.0], prices=[1.0, 5.0, 7.0, 9.0])


def test_equal_scores_may_stand_in_another_order_with_all_that_belongs_to_them():
  after = answer("acbd", [3.0, 2.0, 2.0, 1.0], prices=[1.0, 7.0, 5.0, 9.0])
  assert difference("s", BEFORE, after, "before") == 0


def test_the_last_place_may_be_shared_with_one_that_is_not_answered():
  after = answer("abce", [3.0, 2.0, 2.0, 1.0], prices=[1, 5, 7, 8.0])
  assert difference("s", BEFORE, after, "before") == 0


@pytest.mark.parametrize(
  ("after", "message"),
  [
    (
      answer("bacd", [3.0, 2.0, 2.0, 1.0], prices=[5.0, 1.0, 7.0, 9.0]),
      r"product_ids\[0, 0\] is b'b' and was b'a'",
    ),
    (answer("abcd", [3.1, 2.0, 2.0, 1.0], prices=[1.0, 5.0, 7.0, 9.0]), r"scores differs by 0\.1"),
    (
      answer("abcd", [3.0, 2.0, 2.0, 1.0], prices=[2.0, 5.0, 7.0, 9.0]),
      r"prices differs by 1\.0 from .* before",
    ),
    (answer("abc", [3.0, 2.0, 2.0], prices=[1.0, 5.0, 7.0]), r"has the shape \[1, 3\] and had \[1, 4\]"),
  ],
)
def test_all_else_is_told(after, message):
  with pytest.raises(ModelError, match=message):
    difference("s", BEFORE, after, "before")


def test_infinities_are_equal_to_themselves_alone():
  one = {"x": np.array([np.inf, 1.0])}
  assert difference("s", one, one, "before") == 0
  with pytest.raises(ModelError, match="differs by"):
    difference("s", one, {"x": np.array([2.0, 1.0])}, "before")


def ranking(found):
  return {
    "product_ids": np.array([[f"p{i}".encode() for i in found]], object),
    "scores": np.zeros([1, len(found)]),
  }


def test_an_approximate_index_may_find_another_of_two_nearly_equal_ones():
  near("s", ranking(range(20)), ranking([*range(5), 99, *range(5, 19)]), "before")
  with pytest.raises(ModelError, match=r"product_ids\[0\] shares 17 of 20 ids"):
    near("s", ranking(range(20)), ranking([*range(17), 97, 98, 99]), "before")


def test_what_ranks_nothing_is_held_to_the_digit_and_sets_to_their_worth():
  vectors = {"vectors": np.zeros([2, 3])}
  near("s", vectors, vectors, "before")
  with pytest.raises(ModelError, match="vectors differs by"):
    near("s", vectors, {"vectors": np.full([2, 3], 0.01)}, "before")
  sets = lambda score, status=b"ok": {
    "set_scores": np.array([[score, 0.0]]),
    "status": np.array([status], object),
  }
  near("s", sets(3.0), sets(3.1), "before")
  with pytest.raises(ModelError, match=r"set_scores\[0, 0\] differs by 0.5"):
    near("s", sets(3.0), sets(3.5), "before")
  with pytest.raises(ModelError, match="status is"):
    near("s", sets(3.0), sets(3.0, b"budget"), "before")
