import numpy as np

from tfrec_combo.base.schema import DECISION
from tfrec_combo.pipeline.parse import parse
from tfrec_combo.records.codec import encode


def _record(history, days, basket, target, query):
  example = {"history": np.array(history), "history_days": np.array(days), "basket": np.array(basket)}
  example |= {"target": np.array(target), "query": query, "context": "ctx", "order_id": "o"}
  return encode(example, DECISION)


def test_pads_and_cuts_to_fixed_widths():
  # Longer than both widths, exactly as wide, and empty.
  records = [
    _record([9, 8, 7, 6], [0.5, 1, 2, 3], [1, 2, 3], [4], "été"),
    _record([5, 4, 3], [1, 1, 4], [7, 8], [2, 1], ""),
    _record([], [], [], [3], ""),
  ]
  got = {name: value.numpy() for name, value in parse(records, history=3, basket=2).items()}
  assert {name: value.dtype.name for name, value in got.items()} == {
    "history": "int32",
    "history_days": "float32",
    "basket": "int32",
    "target": "int32",
    "query": "object",
    "context": "object",
  }
  np.testing.assert_array_equal(got["history"], [[9, 8, 7], [5, 4, 3], [-1, -1, -1]])
  np.testing.assert_array_equal(got["history_days"], [[0.5, 1, 2], [1, 1, 4], [0, 0, 0]])
  np.testing.assert_array_equal(got["basket"], [[1, 2], [7, 8], [-1, -1]])
  np.testing.assert_array_equal(got["target"], [[4, -1], [2, 1], [3, -1]])
  assert [query.decode() for query in got["query"]] == ["été", "", ""]


def test_padding_reaches_past_the_longest():
  got = parse([_record([1], [1], [], [2], "")], history=4, basket=3)
  np.testing.assert_array_equal(got["history"], [[1, -1, -1, -1]])
  np.testing.assert_array_equal(got["target"], [[2, -1, -1]])
