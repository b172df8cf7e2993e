"""Two answers of one request: what rounding may change, and what not."""

import numpy as np
import pytest

from tfrec_combo.base.errors import ModelError
from tfrec_combo.serving.comparing import difference


def answer(ids, scores, **more):
  return {"product_ids": np.array([[i.encode() for i in ids]], object), "scores": np.array([scores])} | {
    name: np.array([values]) for name, values in more.items()
  }


BEFORE = answer("abcd", [3.0, 2.0, 2.0, 1.0], prices=[1.0, 5.0, 7.0, 9.0])


def test_equal_scores_may_stand_in_another_order_with_all_that_belongs_to_them():
  after = answer("acbd", [3.0, 2.0, 2.0, 1.0], prices=[1.0, 7.0, 5.0, 9.0])
  assert difference("s", BEFORE, after, "before") == 0


def test_the_last_place_may_be_shared_with_one_that_is_not_answered():
  difference("s", BEFORE, answer("abce", [3.0, 2.0, 2.0, 1.0], prices=[1, 5, 7, 8.0]), "before")


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
