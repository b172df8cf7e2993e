"""A real browser for tests of pages: import its fixture where they are, and it comes skipped and told without a Chromium."""

import os
import pathlib
import shutil

import pytest


def chromium() -> str | None:
  """The system's browser, or the one that TFREC_COMBO_CHROMIUM names; None without one."""
  named = os.environ.get("TFREC_COMBO_CHROMIUM")
  return named or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
  )


# Not for the whole run: as long as Playwright lives, no other test of this process can run an event loop.
@pytest.fixture(scope="module")
def browser():
  """The system's Chromium, headless."""
  playwright = pytest.importorskip("playwright.sync_api", reason="needs `pip install tfrec-combo[browser]`")
  path = chromium()
  if path is None:
    pytest.skip("needs a Chromium: install one, or name it in TFREC_COMBO_CHROMIUM")
  with playwright.sync_playwright() as running:
    started = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
    yield started
    started.close()


def serious(page) -> list[str]:
  """What axe finds on a page that is serious, each with the first place of it."""
  axe_playwright = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="needs `pip install tfrec-combo[browser]`"
  )
  found = axe_playwright.Axe().run(page).response["violations"]
  return [
    f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")
  ]


def shots(tmp_path_factory) -> pathlib.Path:
  """Where screenshots for people go: TFREC_COMBO_SHOTS, or pytest's own folder."""
  folder = pathlib.Path(os.environ.get("TFREC_COMBO_SHOTS") or tmp_path_factory.mktemp("shots"))
  folder.mkdir(parents=True, exist_ok=True)
  return folder
