"""docs/signatures.md is of the export of today. `python -m tests.line.test_signatures_page VERSION` writes it from any export
with bundles, such as that of tests/line/shop.py."""

import pathlib
import sys

from tests.docs import pages, signatures_page

PAGE = pages.DOCS / "signatures.md"
REMAKE = "python -m tests.line.test_signatures_page VERSION"


def made(version):
  """The page as an export has it."""
  return f"<!-- Written by `{REMAKE}`. -->\n\n" + signatures_page.page(version)


def test_the_page_is_fresh(line):
  assert PAGE.read_text(encoding="utf-8") == made(line.version), f"run `{REMAKE}`, say with {line.version}"


if __name__ == "__main__":
  PAGE.write_text(made(pathlib.Path(sys.argv[1])), encoding="utf-8")
