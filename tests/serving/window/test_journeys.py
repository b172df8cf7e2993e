"""What visitors do at the shop window, in a real browser."""

import contextlib
import io
import json
import re
import shutil
import subprocess

import pytest

from tests.serving.server import running
from tests.serving.window.shop import name

playwright = pytest.importorskip("playwright.sync_api", reason="needs `pip install tfrec-combo[browser]`")
expect = playwright.expect


def ids(page, where):
  """Ids of the products shown, by what holds them."""
  return page.locator(f"{where} [data-id]").evaluate_all("all => all.map(one => one.dataset.id)")


def sets(page):
  return page.locator(".cards > li").evaluate_all(
    "all => all.map(one => [...one.querySelectorAll('[data-id]')].map(each => each.dataset.id))"
  )


def choose(page, select, text):
  page.locator(select).select_option(label=text)


def test_a_search_that_other_words_overtake_shows_nothing(visit):
  one = visit()
  page = one.open()
  one.find("rigatoni")
  held = []
  page.route(re.compile("q=rigatoni"), lambda route: held.append(route))
  page.get_by_role("radio", name="Bought before").check()  # looks for the same words again
  while not held:
    page.wait_for_timeout(10)
  page.locator("#search").fill("gift")
  held[0].continue_()
  page.locator("#found:not([aria-busy]) li").first.wait_for()
  assert [name("p9") in text for text in page.locator("#found li").all_text_contents()] == [True]


def test_from_a_search_over_the_basket_to_combinations_with_reasons(visit):
  one = visit()
  page = one.open()
  expect(page.locator("#basket")).to_contain_text("Still empty")
  choose(page, "#model", "shop, version 1")
  found = one.find("PASTA long")
  assert found.count() == 1
  found.get_by_role("button", name=f"Add {name('p0')} to: Basket").click()
  expect(page.locator("#basket")).to_contain_text(name("p0"))
  # p0 is in the basket and in no answer; each other product adds its own score, 9 - i.
  expect(page.locator(".cards > li").first).to_contain_text(
    f"goes with {name('p0')}, bought together in 7 orders"
  )
  assert sets(page) == [["p1", "p2", "p3"], ["p4", "p5", "p6"]]
  first = page.locator(".cards > li").first
  for said in ("together 9.00", "score 21.00", "adds +8.00", name("p1"), "Grocery > Sauces > Tomato sauces"):
    expect(first).to_contain_text(said)
  assert ids(page, ".next") == ["p1", "p2", "p3", "p4", "p5", "p6"]
  expect(page.locator(".next")).to_contain_text(f"goes with {name('p0')}, bought together in 7 orders")
  expect(page.locator("#said")).to_have_text(
    re.compile(r"6 products to add and 2 combinations, in [\d.,]+ ms")
  )
  expect(page.locator(".behind summary").first).to_have_text(re.compile(r"combine · answered in [\d.,]+ ms"))
  first.get_by_role("button", name="Put all of combination 1 in the basket").click()
  expect(page.locator("#basket li")).to_have_count(4)
  expect(page.locator(f".next [data-id={'p1'}]")).to_have_count(0)
  page.get_by_role("button", name=f"Remove {name('p0')}").click()
  expect(page.locator("#basket li")).to_have_count(3)


def test_words_are_asked_for(visit):
  one = visit()
  page = one.open()
  page.get_by_label("What the shopper looks for").fill("P5")
  page.get_by_role("button", name="Recommend").click()
  expect(page.locator(".next [data-id]").first).to_have_attribute("data-id", "p5")


def test_a_budget_that_is_too_small_is_told_in_words(visit):
  one = visit()
  page = one.open()
  page.get_by_label("Budget").fill("0.5")
  page.get_by_role("button", name="Recommend").click()
  expect(page.locator("[data-status=budget]")).to_have_text(
    "Nothing that fits costs as little as 0.50. Raise the budget, or ask for fewer products."
  )
  assert ids(page, ".next"), "products to add are answered all the same"
  page.get_by_label("Budget").fill("500")
  page.keyboard.press("Enter")
  expect(page.locator(".cards > li")).to_have_count(2)


def test_wishes_reach_the_model_and_faulty_ones_are_told_at_their_field(visit):
  one = visit()
  page = one.open()
  page.get_by_label("Products, at least").fill("3")
  page.get_by_label("At most").fill("2")
  page.get_by_role("button", name="Recommend").click()
  expect(page.get_by_role("alert")).to_have_text("At least must not be more than at most")
  expect(page.get_by_label("Products, at least")).to_be_focused()
  expect(page.get_by_label("Products, at least")).to_have_attribute("aria-invalid", "true")
  page.get_by_label("Products, at least").fill("")
  page.get_by_label("At most").fill("9")
  page.get_by_role("button", name="Recommend").click()
  expect(page.get_by_role("alert")).to_have_text(
    "At most: this model makes combinations of at most 3 products"
  )
  page.get_by_label("At most").fill("2")
  page.get_by_label("Of one category").select_option(label="one of each category below it")
  page.get_by_label("How unlike each other").select_option(label="much")
  page.get_by_label("Only from these categories").fill("Grocery > Tea")
  page.get_by_label("Only from these categories").press("Enter")
  page.get_by_role("radio", name="Must be in").check()
  one.find("rigatoni").get_by_role("button").click()
  expect(page.locator("#must")).to_contain_text(name("p5"))
  page.get_by_role("radio", name="Left out").check()
  with page.expect_request(lambda r: ":predict" in r.url and "size_max" in (r.post_data or "")) as asked:
    one.find("gift").get_by_role("button").click()
  inputs = json.loads(asked.value.post_data)["inputs"]
  assert inputs["must_include_ids"] == [["p5", "", ""]]
  assert inputs["exclude_ids"] == [["p9", ""]]
  assert inputs["allowed_categories"] == [["Grocery > Tea", ""]]
  assert (inputs["size_min"], inputs["size_max"]) == ([2], [2])
  assert (inputs["one_per_category"], inputs["diversity"], inputs["budget"]) == ([2], [0.6], [0])
  expect(page.locator(".next [data-id=p9]")).to_have_count(0)
  assert all(len(members) == 2 for members in sets(page))
  expect(page.get_by_role("alert")).to_be_hidden()


def test_a_shopper_is_picked_or_typed(visit):
  one = visit()
  page = one.open()
  choose(page, "#model", "shop, version 1")
  page.get_by_text("Shopper", exact=True).click()
  page.get_by_label("A shopper to try").select_option(label="Shopper 1: 2 products bought")
  expect(page.get_by_label("Bought before", exact=False).last).to_have_value("p7:2.5, p5:9")
  # p7, bought 2.5 days ago, scores 2 + 100 / 3.5; p5 is the fake model's second line and scores 4 + 10.
  expect(page.locator(".next [data-id]").first).to_have_attribute("data-id", "p7")
  assert ids(page, ".next")[:2] == ["p7", "p5"]
  page.locator("#history").fill("nobody:1, p6:0")
  page.get_by_role("button", name="Recommend").click()
  expect(page.locator(".next [data-id]").first).to_have_attribute("data-id", "p6")
  expect(page.locator(".side .note").first).to_have_text("Not in this model's catalogue: nobody")
  page.locator("#history").fill("p6:-2")
  page.get_by_role("button", name="Recommend").click()
  expect(page.get_by_role("alert")).to_have_text("Bought before: days must be 0 or more, got -2")


def test_two_versions_stand_side_by_side(visit):
  one = visit()
  page = one.open()
  choose(page, "#model", "shop, stable (version 1)")
  choose(page, "#other", "shop, version 2")
  expect(page.locator(".which")).to_have_text(["shop, stable (version 1)", "shop, version 2"])
  sides = page.locator(".side")
  best = [sides.nth(i).locator(".next [data-id]").first for i in (0, 1)]
  expect(best[0]).to_have_attribute("data-id", "p0")
  expect(best[1]).to_have_attribute("data-id", "p9")
  expect(best[1]).to_contain_text("only here")
  expect(best[1]).to_contain_text("no price")
  shared = sides.nth(0).locator(".next [data-id=p5]")  # the sixth of the one, the fifth of the other
  expect(shared).not_to_contain_text("only here")
  expect(page.locator(".behind summary")).to_have_count(4)


@pytest.fixture
def asked(visit):
  """The page with a basket, words with quotes in them and wishes, asked for: page, and its combinations."""
  one = visit(permissions=["clipboard-read", "clipboard-write"])
  page = one.open()
  choose(page, "#model", "shop, version 1")
  one.find("basil").first.get_by_role("button").click()
  page.locator("#query").fill('it\'s "tea" $HOME \\n 茶')
  page.get_by_text("Shopper", exact=True).click()
  page.locator("#history").fill("p8:1.5")
  page.get_by_label("Budget").fill("100")
  page.get_by_role("button", name="Recommend").click()
  expect(page.locator(".cards [data-id]").first).to_have_attribute("data-id", "p8")
  one.settle()
  return page, sets(page)


def copied(page, form):
  block = page.locator(".behind[data-signature=combine]")
  if not block.get_attribute("open"):
    block.evaluate("one => { one.open = true }")
  block.get_by_label("Shown as").select_option(form)
  block.get_by_role("button", name="Copy").click()
  expect(block.get_by_role("status")).to_have_text("Copied")
  text = page.evaluate("() => navigator.clipboard.readText()")
  assert text == block.locator("pre").inner_text()
  return text


def test_the_copied_curl_gives_the_same_answer(asked):
  if shutil.which("curl") is None:
    pytest.skip("needs curl")
  page, shown = asked
  done = subprocess.run(["bash", "-c", copied(page, "curl")], capture_output=True, text=True, check=True)
  answer = json.loads(re.sub(r"-?Infinity", "null", done.stdout))["outputs"]
  assert [[i for i in one if i] for one in answer["set_ids"][0]] == shown


@pytest.mark.parametrize("form", ["python", "grpc"])
def test_the_copied_program_gives_the_same_answer(asked, form):
  page, shown = asked
  program, said = copied(page, form), io.StringIO()
  with contextlib.redirect_stdout(said):
    exec(compile(program, form, "exec"), {})
  found = [re.findall(r"'(p\d)'", line) for line in said.getvalue().splitlines()]
  assert found == shown


def test_the_language_is_switched_and_kept(visit):
  one = visit()
  page = one.open()
  expect(page.locator("html")).to_have_attribute("lang", "en")
  page.locator("#language").select_option("zh")
  expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
  expect(page.get_by_role("button", name="推荐")).to_be_visible()
  expect(page.locator(".cards > li").first).to_contain_text("组合 1")
  expect(page).to_have_title("商品橱窗 · tfrec-combo")
  page.get_by_label("预算").fill("0.5")
  page.keyboard.press("Enter")
  expect(page.locator("[data-status=budget]")).to_contain_text("没有符合要求且不超过 0.50 的组合")
  page.reload()
  expect(page.get_by_role("button", name="推荐")).to_be_visible()
  chinese = visit(locale="zh-CN").open()
  expect(chinese.get_by_role("button", name="推荐")).to_be_visible()


def test_it_works_by_keyboard_alone(visit):
  one = visit()
  page = one.open()
  page.keyboard.press("Tab")
  expect(page.locator(".skip")).to_be_focused()
  for place in ("#model", "#other", "#language", "#query", "#search"):
    page.keyboard.press("Tab")
    expect(page.locator(place)).to_be_focused()
  page.keyboard.type("parmesan")
  page.keyboard.press("Enter")
  expect(page.locator("#matches")).to_have_text("1 product found")
  page.keyboard.press("Tab")  # where it goes
  page.keyboard.press("Tab")
  expect(page.get_by_role("button", name=f"Add {name('p2')} to: Basket")).to_be_focused()
  page.keyboard.press("Enter")
  expect(page.locator("#said")).to_contain_text(f"{name('p2')} is added to: Basket · 6 products")
  page.keyboard.press("Tab")
  expect(page.get_by_role("button", name=f"Remove {name('p2')}")).to_be_focused()
  page.keyboard.press("Space")
  expect(page.locator("#said")).to_contain_text(f"{name('p2')} is removed")
  expect(page.locator("#search")).to_be_focused()
  add = page.locator(".next button").first
  add.focus()
  page.keyboard.press("Enter")
  expect(page.locator("#basket li button")).to_have_count(1)
  expect(page.locator("#answers")).to_be_focused()


def test_a_token_is_asked_for_and_never_shown(browser, served, visit):
  with running.server(served, ui=True, grpc_port=None, token="s3cret") as server:
    one = visit(f"http://127.0.0.1:{server.rest_port}/")
    one.expected = ("401",)
    page = one.page
    page.goto(one.url)
    expect(page.get_by_role("alert")).to_contain_text("The server wants its token")
    page.get_by_label("This server asks for a token").fill("s3cret")
    page.keyboard.press("Enter")
    expect(page.locator(".cards > li")).to_have_count(2)
    page.locator(".behind summary").first.click()
    code = page.locator(".behind pre").first
    expect(code).to_contain_text("Bearer $TOKEN")
    page.locator(".behind select").first.select_option("grpc")
    expect(code).to_contain_text("started without gRPC")
    assert "s3cret" not in page.content()


def test_faults_of_the_server_are_told_in_words(visit):
  one = visit()
  one.expected = ("Failed to load resource",)
  page = one.open()
  page.route("**/v1/**", lambda route: route.abort())
  page.get_by_role("button", name="Recommend").click()
  expect(page.get_by_role("alert")).to_have_text("The server cannot be reached. Is it still running?")
  page.unroute("**/v1/**")
  body = json.dumps({"error": "<img src=x onerror=alert(1)>"})
  page.route("**/v1/**", lambda route: route.fulfill(status=500, body=body))
  page.get_by_role("button", name="Recommend").click()
  expect(page.get_by_role("alert")).to_contain_text("It says: <img src=x onerror=alert(1)>")
  page.unroute("**/v1/**")
  page.get_by_role("button", name="Recommend").click()
  expect(page.get_by_role("alert")).to_be_hidden()
  expect(page.locator(".cards > li")).to_have_count(2)


def test_texts_of_products_are_text(visit):
  one = visit()
  page = one.open()
  found = one.find("bags 'more'")
  expect(found.locator(".name")).to_have_text(name("p6"))
  found.get_by_role("button").click()
  expect(page.locator("#basket")).to_contain_text(name("p6"))
  assert page.locator("b").count() == 0
  page.get_by_label("Find products").fill("no such thing")
  expect(page.locator("#matches")).to_have_text("No product has all of these words. Try fewer of them.")
