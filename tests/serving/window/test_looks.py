"""How the shop window looks and reads: screenshots for people, axe for what they overlook, no scrolling sideways."""

import pytest

from tests import browser as browsers
from tests.serving.window.shop import name

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def empty(one, page):
  """As it opens."""


def filled(one, page):
  """A basket, a shopper, the request behind an answer, another version beside it."""
  one.find("pasta").first.get_by_role("button").click()
  page.get_by_role("radio").nth(2).check()
  one.find("parmesan").first.get_by_role("button").click()
  page.locator("#shopper summary").click()
  page.locator("#sample").select_option("0")
  page.locator("#other").select_option(label="shop, version 1")
  page.locator(".which").nth(1).wait_for()
  one.settle()
  page.locator(".behind summary").first.click()


def one_answer(one, page):
  """A basket whose combinations have reasons."""
  one.find("tomato").first.get_by_role("button").click()
  page.locator(".why").first.filter(has_text=name("p1")).wait_for()
  page.locator("#search").fill("")


def too_dear(one, page):
  """A budget that nothing meets."""
  page.locator("#budget").fill("0.5")
  page.locator("#budget").press("Enter")
  page.locator("[data-status=budget]").wait_for()


def faulty(one, page):
  """A field that is wrong."""
  page.locator("#size_max").fill("9")
  page.locator("#ask button[type=submit]").click()
  page.locator("#wrong").wait_for()


LOOKS = {
  "desktop-empty": (empty, DESKTOP, "en-US", "light"),
  "desktop-filled": (filled, DESKTOP, "en-US", "light"),
  "desktop-dark": (one_answer, DESKTOP, "en-US", "dark"),
  "desktop-chinese": (one_answer, DESKTOP, "zh-CN", "light"),
  "desktop-budget": (too_dear, DESKTOP, "en-US", "light"),
  "phone-filled": (filled, PHONE, "en-US", "light"),
  "phone-chinese-dark": (one_answer, PHONE, "zh-CN", "dark"),
  "phone-faulty": (faulty, PHONE, "en-US", "light"),
}


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
  """Where the screenshots go: TFREC_COMBO_SHOTS, or pytest's own folder."""
  return browsers.shots(tmp_path_factory)


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_has_no_serious_fault_and_fits_its_width(visit, shots, look):
  prepare, size, locale, scheme = LOOKS[look]
  one = visit(viewport=size, locale=locale, color_scheme=scheme, reduced_motion="reduce")
  page = one.open()
  prepare(one, page)
  one.settle()
  page.screenshot(path=str(shots / f"{look}.png"))
  assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
  assert browsers.serious(page) == []
  # As high as it is, so that what sticks to an edge covers nothing.
  height = page.evaluate("document.documentElement.scrollHeight")
  page.set_viewport_size({**size, "height": height})
  page.screenshot(path=str(shots / f"{look}-whole.png"))
