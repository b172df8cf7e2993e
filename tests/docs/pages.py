"""Pages of docs/ that are made from the code: `python -m tests.docs.pages` writes them all.

docs/signatures.md, which needs an export, and docs/bad_input.md are written by tests/line and tests/logs.
"""

import pathlib

from tests.docs import cli_page, settings_page

DOCS = pathlib.Path(__file__).parents[2] / "docs"
REMAKE = "python -m tests.docs.pages"
NOTE = f"<!-- Written by `{REMAKE}`. -->\n\n"
PAGES = {"cli.md": cli_page.page, "configuration.md": settings_page.page}


def made(name: str) -> str:
  """A page as the code has it today."""
  return NOTE + PAGES[name]()


def main() -> None:
  """Writes every page."""
  for name in PAGES:
    (DOCS / name).write_text(made(name), encoding="utf-8")


if __name__ == "__main__":
  main()
