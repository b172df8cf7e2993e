"""The documentation builds: no link leads nowhere, every page is in the menu, and nothing comes from another host."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests import browser as browsers

browser = browsers.browser
ROOT = pathlib.Path(__file__).parents[2]
OURS = re.compile(r"https?://(localhost|127\.0\.0\.1)")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
  """The folder of the pages."""
  pytest.importorskip("material", reason='needs `pip install "tfrec-combo[docs]"`')
  folder = tmp_path_factory.mktemp("docs")
  command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
  env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
  done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  assert "WARNING" not in done.stderr
  return folder


def test_every_document_is_a_page(built):
  pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
  assert {path.stem for path in built.glob("*.html")} == pages | {"404"}
  menu = (built / "index.html").read_text(encoding="utf-8")
  for page in pages - {"index"}:
    assert f'href="{page}.html"' in menu


def test_nothing_comes_from_another_host(built):
  asked = re.compile(
    r'(?:src|srcset|action)="(https?:[^"]+)|<link[^>]+href="(https?:[^"]+)|url\((https?:[^)]+)|@import'
  )
  found = {
    (path.name, address)
    for path in [*built.rglob("*.html"), *built.rglob("*.css")]
    for match in asked.finditer(path.read_text(encoding="utf-8"))
    if (address := next(filter(None, match.groups()), match[0])) and not OURS.match(address)
  }
  assert found == set()


def test_a_link_out_of_the_folder_names_the_file(built):
  text = (built / "evaluation.html").read_text(encoding="utf-8")
  assert "benchmarks/README.md" in text
  assert "../benchmarks" not in text


@pytest.mark.parametrize("name", ["index", "configuration"])
def test_a_page_can_be_read_by_all(built, browser, name):
  page = browser.new_page(viewport={"width": 390, "height": 844})
  asked = []
  page.on("request", lambda request: asked.append(request.url))
  page.goto((built / f"{name}.html").as_uri())
  assert page.evaluate("document.documentElement.scrollWidth") <= 390
  page.set_viewport_size({"width": 1280, "height": 900})
  assert browsers.serious(page) == []
  page.close()
  assert [url for url in asked if not url.startswith("file:")] == []
