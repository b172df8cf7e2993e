"""The pages of runs in a real browser: drawn without a network on a desk, on a phone and on paper."""

import re

import pytest

from tests import browser as browsers
from tests.evaluation import test_kept, test_report
from tfrec_combo.evaluation import comparison, kept, report

browser, runs = browsers.browser, test_kept.runs
folder, result = test_report.folder, test_report.result
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def pages(runs, folder, tmp_path_factory):
  """Name -> file of each page."""
  side, found = kept.side_by_side(runs), kept.deltas(runs)
  both = tmp_path_factory.mktemp("side") / "comparison.html"
  report.write_both(both, "side by side", comparison.headline(found), comparison.sections(runs, side, found))
  return {"report": folder / "report.html", "comparison": both}


@pytest.fixture
def visit(browser):
  """Opens a file; the test fails where the page complains or asks for anything."""
  contexts, wrong = [], []

  def begin(path, size, **options):
    contexts.append(browser.new_context(viewport=size, **options))
    page = contexts[-1].new_page()
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: m.type in ("error", "warning") and wrong.append(m.text))
    page.on("request", lambda r: r.url == path.as_uri() or wrong.append(f"asks {r.url[:100]}"))
    page.goto(path.as_uri())
    return page

  yield begin
  for context in contexts:
    context.close()
  assert wrong == []


@pytest.mark.parametrize("name", ["report", "comparison"])
def test_every_plot_is_drawn_and_nothing_is_wider_than_the_screen(visit, pages, tmp_path_factory, name):
  page = visit(pages[name], SIZES["desktop"])
  assert page.locator(".plotly-graph-div").count() > 2
  page.wait_for_function(
    "[...document.querySelectorAll('.plotly-graph-div')].every(plot => plot.querySelector('.cartesianlayer .trace path'))"
  )
  for label, size in SIZES.items():
    page.set_viewport_size(size)
    page.screenshot(path=str(browsers.shots(tmp_path_factory) / f"{name}-{label}.png"), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
  assert browsers.serious(page) == []


def test_on_paper_plots_fit_and_all_is_open(visit, pages, tmp_path_factory):
  page = visit(pages["report"], SIZES["desktop"])
  page.evaluate("""() => {
    const look = () => ({
      widths: [...document.querySelectorAll(".plotly-graph-div .main-svg")].map(e => e.getBoundingClientRect().width),
      open: [...document.querySelectorAll("details.section")].every(e => e.open),
    });
    addEventListener("beforeprint", () => { window.printed = look(); });
  }""")
  paper = page.pdf(path=str(browsers.shots(tmp_path_factory) / "report.pdf"), prefer_css_page_size=True)
  assert len(re.findall(rb"/Type\s*/Page\b", paper)) > 2
  printed = page.evaluate("window.printed")
  assert printed["open"]
  assert max(printed["widths"]) <= 700, "A4 less its margins, in CSS pixels"


def test_without_a_script_the_figures_can_be_opened(visit, pages):
  page = visit(pages["report"], SIZES["phone"], java_script_enabled=False)
  assert page.locator("noscript p").is_visible()
  page.locator("details.data summary").first.click()
  assert page.locator("details.data table").first.is_visible()
