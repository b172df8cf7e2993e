"""Files of decisions: what they may look like, and what is told of those that cannot be read."""

import pytest

from tfrec_combo.base.errors import DataError
from tfrec_combo.merchandising.lists import read

ROWS = {"a": 0, "b": 1, "c,d": 2, "5": 3}


def test_entries_are_lines_of_ids(tmp_path):
  path = tmp_path / "list.txt"
  path.write_text('\ufeff# of last spring\nb, a\n\n"c,d",5\na\r\na,b\n', encoding="utf-8")
  assert read(path, "--ban", ROWS) == [(0, 1), (2, 3), (0,)]


@pytest.mark.parametrize(
  ("text", "least", "word"),
  [
    ("a\nx,b\n", 1, r"--ban .*line 2 must hold products of the catalogue, got 'x'"),
    ("a\n", 2, "line 1 must hold 2 or more different products"),
    ("a,a\n", 1, "must hold 1 or more different products, got 'a,a'"),
    (",\n", 1, "must hold 1 or more"),
  ],
)
def test_a_wrong_line_is_named(tmp_path, text, least, word):
  path = tmp_path / "list.txt"
  path.write_text(text)
  with pytest.raises(DataError, match=word):
    read(path, "--ban", ROWS, least)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
  with pytest.raises(DataError, match="--pin must name a file that can be read"):
    read(tmp_path / "none.txt", "--pin", ROWS)
  (tmp_path / "latin.txt").write_bytes("a\nü".encode("latin-1"))
  with pytest.raises(DataError, match="UTF-8"):
    read(tmp_path / "latin.txt", "--pin", ROWS)
