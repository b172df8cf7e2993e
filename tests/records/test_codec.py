import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import small
from tfrec_combo.base.errors import DataError
from tfrec_combo.base.schema import DECISION, PRODUCT
from tfrec_combo.base.stack import tf
from tfrec_combo.records import codec

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INT32 = st.integers(-(2**31), 2**31 - 1)
FLOAT32 = st.floats(width=32, allow_nan=False)
VALUES = {"string": TEXT, "int32": INT32, "int64": st.integers(-(2**63), 2**63 - 1), "float32": FLOAT32}


def _example(features):
  def one(feature):
    values = VALUES[feature.dtype]
    return (
      st.lists(values, max_size=8).map(lambda v: np.array(v, feature.dtype)) if feature.length else values
    )

  return st.fixed_dictionaries({f.name: one(f) for f in features})


def _same(got, example, features):
  assert got.keys() == example.keys()
  for feature in features:
    if feature.length:
      assert got[feature.name].dtype == feature.dtype
      np.testing.assert_array_equal(got[feature.name], example[feature.name])
    else:
      assert got[feature.name] == example[feature.name]


@pytest.mark.parametrize("features", [DECISION, PRODUCT], ids=["decision", "product"])
def test_round_trip(features):
  @settings(max_examples=60, deadline=None)
  @given(_example(features))
  def check(example):
    record = codec.encode(example, features)
    _same(codec.decode(record, features), example, features)
    assert codec.canonical(record) == record
    parsed = tf.io.parse_single_example(record, codec.parse_spec(features))
    plain = {k: v.numpy().decode() if v.dtype == tf.string else v.numpy() for k, v in parsed.items()}
    _same(
      {f.name: plain[f.name].astype(f.dtype) if f.length else plain[f.name] for f in features},
      example,
      features,
    )

  check()


def test_canonical_undoes_another_order_of_the_features():
  example = {
    "row": 3,
    "product_id": "é",
    "text": "",
    "category": "",
    "price": 1.5,
    "orders": 2,
    "train_orders": 1,
  }
  # A field written twice is one field to protobuf, so two halves in either order are the same example.
  first, last = (codec.encode(example, part) for part in (PRODUCT[:3], PRODUCT[3:]))
  assert codec.canonical(first + last) == codec.canonical(last + first) == codec.encode(example, PRODUCT)


def test_newest_lines_and_first_products_are_kept():
  orders = small.decisions({"train": 30}, largest=9)
  for decision in orders.of("train"):
    example = codec.of_decision(decision, history=5, basket=2, products=30)
    np.testing.assert_array_equal(example["history"], decision.history[:5])
    np.testing.assert_array_equal(example["history_days"], decision.history_days[:5])
    assert np.all(np.diff(example["history_days"]) >= 0)  # newest first
    assert np.all(example["history_days"] >= 0)  # nothing from after the order
    np.testing.assert_array_equal(example["target"], decision.target[:2])
    assert len(example["basket"]) <= 2
    assert "user_id" not in example


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"target": np.array([], np.int32)}, "target must hold a product"),
    ({"target": np.array([1, 30], np.int32)}, r"target must be rows below 30, got \[30\]"),
    ({"basket": np.array([-1], np.int32)}, r"basket must be rows below 30, got \[-1\]"),
    ({"history_days": np.array([2, -0.5], np.float32)}, "history_days must be 0 or more, got -0.5"),
    ({"history_days": np.array([np.nan, 1], np.float32)}, "history_days must be 0 or more, got nan"),
    ({"history_days": np.array([2], np.float32)}, r"needs one entry of history_days a line, got \(2, 1\)"),
  ],
)
def test_a_broken_decision_is_named(change, message):
  good = next(small.decisions({"test": 1}).of("test"))
  good = dataclasses.replace(
    good, history=np.array([4, 5], np.int32), history_days=np.array([1, 2], np.float32)
  )
  codec.of_decision(good, history=9, basket=9, products=30)
  with pytest.raises(DataError, match=f"order test-0: .*{message}"):
    codec.of_decision(dataclasses.replace(good, **change), history=9, basket=9, products=30)
