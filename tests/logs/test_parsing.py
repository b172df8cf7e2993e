import datetime
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrec_combo.logs import parsing

NOON = datetime.datetime(2024, 1, 31, 12)
SECONDS = 1706702400  # NOON in UTC


@pytest.mark.parametrize(
  "written",
  [
    "2024-01-31T12:00:00",
    "2024-01-31 12:00:00",
    "2024-01-31 12:00",
    "2024-01-31T12:00",
    " 2024-01-31 12:00:00.000 ",
    "2024-01-31T12:00:00Z",
    "2024-01-31T14:00:00+02:00",
    "2024-01-31T10:30:00-0130",
    "2024-01-31 14:00:00+02",
    "31.01.2024 12:00:00",
    "31.1.2024 12:00",
    str(SECONDS),
    f"{SECONDS}.0",
    f"{SECONDS}000",
    f"{SECONDS}000000",
    f"{SECONDS}000000000",
  ],
)
def test_every_spelling_of_one_moment(written):
  assert parsing.times(pl.Series([written, None])).to_list() == [NOON, None]


def test_dates_start_at_midnight_compact_or_not():
  midnight = datetime.datetime(2024, 1, 31)
  assert parsing.times(pl.Series(["2024-01-31", "20240131", "31.01.2024"])).to_list() == [midnight] * 3
  assert parsing.times(pl.Series([20240131])).to_list() == [midnight]


@pytest.mark.parametrize(
  "values",
  [
    pl.Series([NOON]),
    pl.Series([NOON]).dt.cast_time_unit("ns"),
    pl.Series([NOON]).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"),
    pl.Series([SECONDS]),
    pl.Series([SECONDS * 1000]),
    pl.Series([float(SECONDS)]),
    pl.Series([SECONDS], dtype=pl.Int32),
  ],
  ids=lambda values: str(values.dtype),
)
def test_typed_times(values):
  parsed = parsing.times(values)
  assert parsed.dtype == pl.Datetime("us")
  assert parsed.to_list() == [NOON]


@pytest.mark.parametrize(
  "written",
  ["2024-13-01", "01.31.2024", "31/01/2024", "yesterday", "-5", "20241399", "12:00", "nan", "1e99", "9" * 40],
)
def test_what_is_no_time_is_null(written):
  assert parsing.times(pl.Series([written])).to_list() == [None]


@given(st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)))
def test_any_iso_time_comes_back(moment):
  assert parsing.times(pl.Series([moment.isoformat(), moment.isoformat(" ")])).to_list() == [moment] * 2


def test_numbers():
  parsed = parsing.numbers(pl.Series([" 3.50", "1e3", "-2", "$3", "", None])).to_list()
  assert parsed == [3.5, 1000.0, -2.0, None, None, None]
  commas = parsing.numbers(pl.Series(["3,50 ", "-0,5", "1.299,90", "1,299", "1,299.90", "12.99,90", "2.5"]))
  assert commas.to_list() == [3.5, -0.5, 1299.9, None, None, None, 2.5]
  assert math.isinf(parsing.numbers(pl.Series(["inf"]))[0])


@pytest.mark.parametrize(
  ("written", "path"),
  [
    ("Electronics", "Electronics"),
    ("Bags, Cases & More", "Bags, Cases & More"),
    ("A|B/C", "A|B/C"),
    (" A>B > C ", "A > B > C"),
    ("A >  > B", "A > B"),
    ("[[Electronics,Bags & Cases]]", "Electronics > Bags & Cases"),
    (
      "[[Electronics,Binocular, Camera & Camcorder Straps]]",
      "Electronics > Binocular, Camera & Camcorder Straps",
    ),
    ("[[A,B],[C, D,E]]", "A > B"),
    ("[A,B]", "A > B"),
    ('["A", "B, C"]', "A > B, C"),
    ("[['A', 'B'], ['C']]", "A > B"),
    ("A\r\n B > C\nD\n", "A B > C D"),
    ("['A\nB', 'C']", "A B > C"),
    ("[]", ""),
    ("", ""),
    (None, ""),
  ],
)
def test_one_column_of_categories(written, path):
  assert parsing.category_path([pl.Series("c", [written], dtype=pl.String)]).to_list() == [path]


def test_several_columns_are_levels_and_empty_ones_are_none():
  levels = [
    pl.Series("a", ["A", "A", None, "A\n1"]),
    pl.Series("b", [" ", "B > b", None, "\r\n"]),
    pl.Series("c", ["C", "", None, "C\r\n\n2"]),
  ]
  assert parsing.category_path(levels).to_list() == ["A > C", "A > B > b", "", "A 1 > C 2"]


def test_text_is_joined_with_spaces_without_the_empty_pieces():
  pieces = [
    pl.Series("a", [" big", None, ""]),
    pl.Series("b", ["", None, "tent\n"]),
    pl.Series("c", ["lamp", None, "x"]),
  ]
  assert parsing.text(pieces).to_list() == ["big lamp", "", "tent x"]


def test_entities_of_html_are_read_in_texts_and_categories():
  written = ["Men&#39;s &quot;XL&quot;", "Crew&amp;nbsp;Neck &amp; Tie", "AT&T &c; R&D;", None]
  assert parsing.text([pl.Series(written)]).to_list() == [
    'Men\'s "XL"',
    "Crew Neck & Tie",
    "AT&T &c; R&D;",
    "",
  ]
  path = parsing.category_path([pl.Series(["[[Shoes &amp; Jewelry,Women&#39;s]]"])])
  assert path.to_list() == ["Shoes & Jewelry > Women's"]


@given(st.text(alphabet="ab &;#3", max_size=12))
def test_a_text_without_entities_is_left_as_it_is(written):
  read = parsing.unescaped(pl.Series([written])).item()
  assert read == written or "&#" in written
