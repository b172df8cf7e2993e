"""Pages that are made from the code are those of the code of today."""

import re

import pytest

from tests.docs import pages


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_page_is_fresh(name):
  written = (pages.DOCS / name).read_text(encoding="utf-8")
  assert written == pages.made(name), f"run `{pages.REMAKE}`"


def test_every_setting_says_what_it_is():
  assert not re.findall(r"^\| `(\w+)` .*\|  \|$", pages.made("configuration.md"), re.M)
