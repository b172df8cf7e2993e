import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.fake_model import write_queries
from tfrec_combo.base.errors import DataError
from tfrec_combo.serving import requests
from tfrec_combo.serving.requests import check, parse, read

FULL = {
  "query_id": "17",
  "user_id": "2404",
  "history": [{"product_id": "1082185", "days_ago": 3.2}, {"product_id": "9", "days_ago": 4}],
  "basket": ["1029743"],
  "query": "camera accessories",
  "context": "store 3",
  "bundle_history": ["7"],
  "exclude": ["5"],
  "size": 3,
  "budget": 20.5,
  "diversity": 0.25,
  "novelty": 1.0,
  "size_min": None,
  "size_max": None,
  "must_include": ["8"],
  "one_per_category": True,
  "allowed_categories": ["Grocery > Tea"],
  "in_stock": ["8", "9"],
  "sets": [["1", "2"], ["3"]],
}
IDS = st.one_of(st.text(), st.integers(0, 10**12))
LINES = st.fixed_dictionaries({"product_id": IDS}, optional={"days_ago": st.floats(0, 1e4)})
REQUESTS = st.fixed_dictionaries(
  {},
  optional={
    "query_id": IDS,
    "user_id": IDS,
    "history": st.lists(LINES),
    "basket": st.lists(IDS),
    "query": st.text(),
    "context": st.text(),
    "exclude": st.lists(IDS),
    "size": st.integers(1, 9),
    "budget": st.floats(0.01, 1e6),
    "diversity": st.floats(0, 1),
    "novelty": st.floats(0, 1),
  },
)


def as_strings(value):
  """A request as it is understood: ids that are numbers as strings."""
  ids = {"query_id", "user_id", "product_id"}
  if isinstance(value, list):
    return [str(v) if isinstance(v, int | str) else as_strings(v) for v in value]
  return {k: str(v) if k in ids else as_strings(v) if isinstance(v, list) else v for k, v in value.items()}


@given(REQUESTS)
def test_what_is_written_is_what_is_read(values):
  for request in (
    parse(json.dumps(values)),
    parse(json.dumps(values, ensure_ascii=False).encode()),
    check(values),
  ):
    assert request.model_dump(exclude_unset=True) == as_strings(values)


def test_every_key_and_every_null():
  assert parse(json.dumps(FULL)).model_dump() == FULL
  assert parse(json.dumps(dict.fromkeys(FULL))) == parse("{}")


@pytest.mark.parametrize(
  ("change", "words"),
  [
    (
      {"basket_ids": ["1"]},
      ["basket_ids is not a key of a request", "use one of: query_id, user_id, history"],
    ),
    ({"history": [{"id": "1"}]}, ["history.0.product_id", "nothing", "history.0.id", "product_id, days_ago"]),
    (
      {"history": [{"product_id": "1", "days_ago": -1}]},
      ["history.0.days_ago", "greater than or equal to 0", "-1"],
    ),
    ({"history": [{"product_id": "1", "days_ago": 1.7e9}]}, ["history.0.days_ago", "give days, not seconds"]),
    ({"history": ["1"]}, ["history.0", "'1'"]),
    ({"basket": [17.0]}, ["basket.0", "valid string", "17.0", "string in quotes"]),
    ({"basket": [True]}, ["basket.0", "True"]),
    ({"basket": [None]}, ["basket.0", "None"]),
    ({"basket": "17"}, ["basket", "valid array", "'17'"]),
    ({"query": 5}, ["query", "valid string", "5"]),
    ({"size": 0}, ["size", "0"]),
    ({"diversity": 1.5}, ["diversity", "less than or equal to 1", "1.5", "weights of 0 to 1"]),
    ({"novelty": -0.1}, ["novelty", "greater than or equal to 0", "-0.1"]),
    ({"budget": 0}, ["budget", "greater than 0", "leave it out if there is none"]),
    ({"exclude": [1.5, 2.5, 3.5, 4.5, 5.5]}, ["exclude.0", "exclude.2", "and 2 more"]),
  ],
)
def test_a_wrong_request_is_told_by_field_rule_and_way_out(change, words):
  with pytest.raises(DataError) as e:
    parse(json.dumps(FULL | change), "queries.jsonl line 7")
  message = str(e.value)
  assert message.startswith("queries.jsonl line 7: ")
  for word in words:
    assert word in message
  assert len(message) < 700
  assert "\n" not in message


@pytest.mark.parametrize(
  "line", ["", "{", "[]", '"x"', "null", '{"history": [{"product_id": "1", "days_ago": NaN}]}']
)
def test_what_is_no_request_at_all(line):
  with pytest.raises(DataError):
    parse(line)


def test_a_long_wrong_value_is_cut_short():
  with pytest.raises(DataError) as e:
    parse(json.dumps({"budget": "x" * 10_000}))
  assert len(str(e.value)) < 300


def test_reading_gives_every_request_and_ends_at_the_end_of_the_file(tmp_path):
  path = write_queries(tmp_path / "q.jsonl", [{"query_id": i, "basket": [str(i)]} for i in range(5)])
  path.write_bytes(
    b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n") + b"  \n" + b'{"query_id": "last"}'
  )
  found = list(read(path))
  assert [r.query_id for r, _ in found] == ["0", "1", "2", "3", "4", "last"]
  places = [place for _, place in found]
  assert places == sorted(places)
  assert places[-1] == path.stat().st_size


@pytest.mark.parametrize(
  ("line", "words"),
  [
    (b'{"basket": ["1"]}', "line 3: query_id must be given"),
    (b'{"query_id": "2"', "line 3: request breaks a rule \\(invalid JSON: EOF"),
    (b'{"query_id": "\xff"}', "line 3: request breaks a rule \\(invalid JSON"),
    (b'[{"query_id": "2"}]', "line 3: request breaks a rule .*one JSON object a line"),
    (b'{"query_id": "' + b"x" * 200 + b'"}', "line 3 must be at most"),
  ],
)
def test_a_wrong_line_is_named_and_those_before_it_are_read(tmp_path, monkeypatch, line, words):
  monkeypatch.setattr(requests, "LONGEST_LINE", 100)
  path = tmp_path / "q.jsonl"
  path.write_bytes(b'{"query_id": "0"}\n\n' + line + b'\n{"query_id": "3"}\n')
  found = read(path)
  assert next(found)[0].query_id == "0"
  with pytest.raises(DataError, match=f"{path} {words}"):
    next(found)


def test_a_file_that_is_not_there_or_a_folder(tmp_path):
  for path in (tmp_path / "none.jsonl", tmp_path):
    with pytest.raises(DataError, match="--queries must name a file that can be read"):
      next(read(path))
