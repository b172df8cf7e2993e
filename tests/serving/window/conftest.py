"""The shop behind a server with the window, and a real browser before it."""

import pytest

from tests import browser as browsers
from tests.serving.server import running
from tests.serving.window import shop

browser = browsers.browser


@pytest.fixture(scope="session")
def served(tmp_path_factory):
  """Models by name; nothing may change their folders."""
  return shop.served(tmp_path_factory.mktemp("window"))


@pytest.fixture(scope="session")
def server(served):
  """Serves them with the window, REST and gRPC."""
  with running.server(served, ui=True) as server:
    yield server


@pytest.fixture(scope="session")
def url(server):
  return f"http://127.0.0.1:{server.rest_port}/"


class Visit:
  """Pages of one visitor, and what they had to complain about: `wrong` holds errors, refusals of the policy and foreign hosts."""

  def __init__(self, browser, url, **options):
    self.url, self.wrong, self.expected = url, [], ()
    self.context = browser.new_context(
      **({"locale": "en-US", "viewport": {"width": 1280, "height": 900}} | options)
    )
    self.context.set_default_timeout(20_000)
    self.page = self.context.new_page()
    self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
    self.page.on("console", lambda m: m.type in ("error", "warning") and self.wrong.append(m.text))
    self.page.on("request", lambda r: r.url.startswith(url) or self.wrong.append(f"asks {r.url}"))

  def open(self):
    """The page, its first answer there."""
    self.page.goto(self.url)
    self.page.locator(".side").first.wait_for()
    self.settle()
    return self.page

  def settle(self):
    """Waits until every request is answered and drawn."""
    self.page.wait_for_function("() => !document.querySelector('#answers').hasAttribute('aria-busy')")

  def find(self, words):
    """Types into the search, waits, and returns its answers."""
    self.page.locator("#search").fill(words)
    self.page.locator("#found:not([aria-busy]) li").first.wait_for()
    return self.page.locator("#found li")


@pytest.fixture
def visit(browser, url):
  """Opens pages; a test fails where one of them logged an error that is not `expected`."""
  visits = []

  def begin(at=url, **options):
    visits.append(Visit(browser, at, **options))
    return visits[-1]

  yield begin
  for one in visits:
    one.context.close()
    assert [w for w in one.wrong if not any(e in w for e in one.expected)] == []
