import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrec_combo.base.errors import DataError, ModelError
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.requests import Request, check
from tfrec_combo.serving.signature import Signature, Spec

H, M, X, C = 4, 3, 2, 2


def string(*shape):
  return Spec(np.dtype(object), (None, *shape))


def numbers(dtype, *shape):
  return Spec(np.dtype(dtype), (None, *shape))


REQUEST = {
  "basket_ids": string(M),
  "context": string(),
  "exclude_ids": string(X),
  "history_days": numbers("float32", H),
  "history_ids": string(H),
  "query": string(),
}
RECOMMEND = Signature(REQUEST, {"product_ids": string(9)})
WISHES = {name: numbers("int32") for name in ("size_min", "size_max", "one_per_category")}
WISHES |= {"must_include_ids": string(M), "allowed_categories": string(2), "in_stock_ids": string(4)}
WISHES |= {"budget": numbers("float32"), "diversity": numbers("float32")}
USUAL = {"size_min": np.array([2], np.int32), "size_max": np.array([3], np.int32)}
COMBINE = Signature(REQUEST | WISHES, {"set_ids": string(C, M)}, USUAL)
BUNDLES = Signature(REQUEST | {"set_ids": string(2, M)}, {"set_scores": numbers("float32", 2)})
LINES = st.fixed_dictionaries({"product_id": st.text("abc", max_size=2), "days_ago": st.integers(0, 3)})


def test_the_empty_request_is_all_pads():
  arrays = Batcher(COMBINE)([Request(), check({"history": [], "basket": [], "exclude": []})])
  assert {name: array.shape for name, array in arrays.items()} == {
    name: (2, *spec.shape[1:]) for name, spec in COMBINE.inputs.items()
  }
  assert {name: array.dtype for name, array in arrays.items()} == {
    n: s.dtype for n, s in COMBINE.inputs.items()
  }
  assert (set(arrays.pop("size_min")), set(arrays.pop("size_max"))) == ({2}, {3})
  for array in arrays.values():
    assert set(array.flat) <= {"", 0.0}


def test_each_field_lands_in_its_place():
  asked = check({
    "history": [{"product_id": "a", "days_ago": 1.5}, {"product_id": "b"}],
    "basket": ["c", "d", "c"],
    "query": "tea",
    "context": "s1",
    "exclude": ["e"],
    "size": 2,
    "budget": 9.5,
    "must_include": ["f", "f"],
    "one_per_category": 2,
    "allowed_categories": ["A > B"],
    "in_stock": ["f", "g"],
    "diversity": 0.5,
  })  # fmt: skip
  arrays = {name: array.tolist()[1] for name, array in Batcher(COMBINE)([Request(), asked]).items()}
  assert arrays == {
    "history_ids": ["b", "a", "", ""],  # b has no days, so it was just now
    "history_days": [0.0, 1.5, 0.0, 0.0],
    "basket_ids": ["c", "d", ""],
    "query": "tea",
    "context": "s1",
    "exclude_ids": ["e", ""],
    "size_min": 2,
    "size_max": 2,
    "budget": 9.5,
    "must_include_ids": ["f", "", ""],
    "one_per_category": 2,
    "allowed_categories": ["A > B", ""],
    "in_stock_ids": ["f", "g", "", ""],
    "diversity": 0.5,
  }


@pytest.mark.parametrize(
  ("asked", "sizes"),
  [
    ({}, (2, 3)),
    ({"size": 1}, (1, 1)),
    ({"size_min": 3}, (3, 3)),
    ({"size_max": 1}, (1, 1)),
    ({"size_min": 1, "size_max": 2}, (1, 2)),
  ],
)
def test_a_size_that_is_not_said_makes_room_for_one_that_is(asked, sizes):
  arrays = Batcher(COMBINE)([check(asked)])
  assert (arrays["size_min"][0], arrays["size_max"][0]) == sizes


def test_one_per_category_is_the_leaf_where_no_depth_is_said():
  asked = [check({"one_per_category": value}) for value in (True, False, 1, None)]
  depths = Batcher(COMBINE)(asked)["one_per_category"].tolist()
  assert depths[1:] == [0, 1, 0]
  assert depths[0] > 1000


def test_ready_made_sets_land_in_their_places():
  arrays = Batcher(BUNDLES)([check({"sets": [["a", "b"], ["c"]]}), Request()])
  assert arrays["set_ids"].tolist() == [[["a", "b", ""], ["c", "", ""]], [["", "", ""]] * 2]


@pytest.mark.parametrize(
  ("signature", "asked", "words"),
  [
    (COMBINE, {"must_include": list("abcd")}, "must_include must be at most 3"),
    (
      COMBINE,
      {"allowed_categories": list("abc")},
      r"allowed_categories must be at most 2.*export\.categories",
    ),
    (COMBINE, {"in_stock": list("abcde")}, r"in_stock must be at most 4.*exclude"),
    (BUNDLES, {"sets": [["a"]] * 3}, "sets must be at most 2"),
    (BUNDLES, {"sets": [list("abcd")]}, "products of a set must be at most 3"),
    (RECOMMEND, {"budget": 3.0}, "budget must be a wish that the signature takes.*combine"),
    (RECOMMEND, {"sets": [["a"]]}, "sets must be a wish.*rank_bundles"),
    (COMBINE, {"sets": [["a"]]}, "sets must be a wish.*rank_bundles"),
  ],
)
def test_a_wish_that_does_not_fit_is_refused_not_cut(signature, asked, words):
  with pytest.raises(DataError, match=words):
    Batcher(signature)([check(asked)])


@given(st.lists(st.lists(LINES, max_size=7), min_size=1, max_size=3))
def test_the_newest_lines_are_kept_in_the_order_given_within_a_day(histories):
  batcher = Batcher(RECOMMEND)
  arrays = batcher([check({"history": history}) for history in histories])
  for row, history in enumerate(histories):
    newest = sorted(history, key=lambda line: line["days_ago"])[:H]
    padded = [(line["product_id"], line["days_ago"]) for line in newest] + [("", 0)] * (H - len(newest))
    assert list(zip(arrays["history_ids"][row], arrays["history_days"][row])) == padded
  assert batcher.cut["history_ids"] == sum(len(history) > H for history in histories)


def test_what_does_not_fit_is_counted_told_once_and_left_out_of_answers():
  batcher = Batcher(RECOMMEND)
  long = check({"basket": list("abcdeab"), "exclude": list("xyz")})
  fits = check({"basket": list("abcab"), "exclude": list("xyxy")})
  arrays = batcher([long, fits])
  batcher([long])
  assert arrays["basket_ids"].tolist() == [["a", "b", "c"], ["a", "b", "c"]]
  assert arrays["exclude_ids"].tolist() == [["x", "y"], ["x", "y"]]
  assert batcher.beyond(long) == {"d", "e", "z"}
  assert batcher.beyond(fits) == set()
  assert dict(batcher.cut) == {"basket_ids": 2, "exclude_ids": 2}
  assert told(batcher) == [
    "requests were cut to what the model takes: basket_ids of 2 (longest kept: 3), exclude_ids of 2 (longest kept: 2)"
  ]
  assert told(Batcher(RECOMMEND)) == []


def told(batcher):
  messages = []
  handler = logging.Handler()
  handler.emit = lambda record: messages.append(record.getMessage())
  logger = logging.getLogger("tfrec_combo.serving.batches")
  logger.addHandler(handler)
  try:
    batcher.log_cut()
  finally:
    logger.removeHandler(handler)
  return messages


def test_a_set_larger_than_the_model_makes():
  with pytest.raises(DataError, match=r"size must be at most 3.*got 4; .*combine\.size"):
    Batcher(COMBINE)([check({"size": 3}), check({"size": 4})])


def test_weights_are_those_of_the_request_or_of_the_model():
  weights = {name: numbers("float32") for name in ("diversity", "novelty")}
  usual = {"diversity": np.array([0.25], np.float32)}
  batcher = Batcher(Signature(REQUEST | weights, {"product_ids": string(9)}, usual))
  arrays = batcher([Request(), check({"diversity": 0, "novelty": 0.5}), check({"diversity": 1})])
  assert arrays["diversity"].tolist() == [0.25, 0, 1]
  assert arrays["novelty"].tolist() == [0, 0.5, 0]
  assert {a.dtype for n, a in arrays.items() if n in weights} == {np.dtype("float32")}


@pytest.mark.parametrize("signature", [RECOMMEND, COMBINE])
def test_a_weight_that_the_signature_does_not_take_is_refused(signature):
  with pytest.raises(DataError, match=r"novelty must be a wish that the signature takes.*leave it out"):
    Batcher(signature)([Request(), check({"novelty": 0.0})])


def test_an_input_of_another_version_is_told():
  with pytest.raises(ModelError, match="weather must be an input this version knows"):
    Batcher(Signature(REQUEST | {"weather": string()}, {}))
