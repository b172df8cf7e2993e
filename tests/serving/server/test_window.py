"""The shop window's routes and files; what it does in a browser is tested in tests/serving/window."""

import http.client
import json
import re
import urllib.parse

import pytest

from tests.serving.server import running
from tests.serving.server.running import ask
from tfrec_combo.serving.server import window

TEXTS = {p.stem: json.loads(p.read_text()) for p in (window.PAGE / "texts").glob("*.json")}
SOURCES = {p.name: p.read_text() for p in window.PAGE.glob("*.*") if p.suffix in (".js", ".html")}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  return running.models(tmp_path_factory)


@pytest.fixture(scope="module")
def port(served):
  with running.server(served, ui=True) as server:
    yield server.rest_port


def get(port, path):
  connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
  connection.request("GET", path)
  response = connection.getresponse()
  return response.status, dict(response.headers), response.read().decode()


def api(port, name, **asked):
  return ask(port, "GET", f"/ui/api/{name}?{urllib.parse.urlencode(asked, doseq=True)}")


def test_there_is_no_window_unless_it_is_asked_for(served):
  with running.server(served, grpc_port=None) as server:
    for path in ("/", "/ui/main.js", "/ui/api/models"):
      assert ask(server.rest_port, "GET", path)[0] == 404


def test_the_page_allows_nothing_but_itself(port):
  status, headers, page = get(port, "/")
  assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
  policy = dict(part.split(maxsplit=1) for part in headers["content-security-policy"].split("; "))
  assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
  assert {policy[k] for k in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
  assert headers["x-content-type-options"] == "nosniff"
  for address in re.findall(r'(?:src|href)="([^"#]+)"', page):
    status, headers, _ = get(port, address)
    assert status == 200, address
    assert "'none'" in headers["content-security-policy"]


def test_every_file_is_served_and_nothing_else(port):
  for name, kind in {
    "main.js": "text/javascript",
    "style.css": "text/css",
    "texts/zh.json": "application/json",
  }.items():
    status, headers, text = get(port, f"/ui/{name}")
    assert status == 200
    assert headers["content-type"].startswith(kind)
    assert text == (window.PAGE / name).read_text()
  for path in (
    "/ui/",
    "/ui/index.htm",
    "/ui/../options.py",
    "/ui/..%2foptions.py",
    "/ui/%2e%2e/server/rest.py",
    "/ui//etc/passwd",
  ):
    assert get(port, path)[0] == 404, path


def test_the_page_makes_no_html_out_of_text():
  for name, source in SOURCES.items():
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
      assert word not in source, name
    assert not re.search(r"https?://(?!www\.w3\.org)", source), name
  assert not re.search(r"<script>|<style|\son\w+=|style=", SOURCES["index.html"])


def test_both_languages_say_the_same_things():
  assert TEXTS.keys() == {"en", "zh"}
  assert TEXTS["en"].keys() == TEXTS["zh"].keys()
  holes = lambda text: sorted(re.findall(r"\{\w+\}", text))
  for key, text in TEXTS["en"].items():
    assert text.strip()
    assert TEXTS["zh"][key].strip()
    assert holes(text) == holes(TEXTS["zh"][key]), key


def test_every_text_is_used_and_every_used_one_is_there():
  source = "\n".join(SOURCES.values())
  marked = set(re.findall(r'data-t(?:-hint)?="([^"]+)"', source))
  said = set(re.findall(r'["`]((?:[a-z_]+)(?:\.[a-z_0-9]+)*)["`]', source)) | marked
  made = {f"{m}." for m in re.findall(r"`([a-z]+(?:\.[a-z]+)*)\.\$\{", source)}
  keys = {key.removesuffix(".one") for key in TEXTS["en"] if key.removesuffix(".one") in TEXTS["en"]} | {
    "sample.one"
  }
  assert marked <= TEXTS["en"].keys()
  assert {k for k in keys if k not in said and not any(k.startswith(m) for m in made)} == set()
  for name in re.findall(r'\bt\("([^"]+)"', source):
    assert name in TEXTS["en"], name


def test_models_are_told_with_versions_and_labels(port):
  status, said = api(port, "models")
  assert status == 200
  assert {m["name"]: (m["versions"], m["labels"]) for m in said["models"]} == {
    "odd": ([2, 1], {"canary": 2, "stable": 1}),
    "shop": ([1], {}),
  }
  assert said["grpc_port"] > 0


def test_products_categories_and_shoppers_of_a_model(port):
  status, said = api(port, "products", model="shop", q="product 3")
  assert (status, said["total"]) == (200, 1)
  assert said["products"] == [{"product_id": "p3", "text": "Product 3", "category": "A > B", "price": 4.0}]
  found = api(port, "products", model="shop", version=1, id=["p9", "p0", "none"])[1]["products"]
  assert {p["product_id"]: p["price"] for p in found} == {"p0": 1.0, "p9": None}
  assert api(port, "products", model="shop", q="product", limit=4)[1]["total"] == 10
  assert api(port, "categories", model="shop")[1]["categories"] == [
    {"category": "A", "products": 10},
    {"category": "A > B", "products": 10},
  ]
  assert api(port, "shoppers", model="shop") == (200, {"shoppers": []})


@pytest.mark.parametrize(
  ("asked", "status", "rule"),
  [
    ({"model": "none"}, 404, "Servable not found"),
    ({"model": "shop", "version": "7"}, 404, "Servable not found"),
    ({"model": "shop", "version": "x"}, 400, "version must be a whole number"),
    ({"model": "shop", "label": "none"}, 400, "Unrecognized servable version label"),
    ({"model": "shop", "limit": "0"}, 400, "limit must be 1 to 200"),
    ({"model": "shop", "q": "x" * 501}, 400, "q must be at most 500 characters"),
    ({"model": "shop", "id": ["p"] * 201}, 400, "id must be given at most 200 times"),
    ({"model": "odd", "q": "tea"}, 400, "has no assets.extra/products.parquet"),
  ],
)
def test_what_cannot_be_read_is_told(port, asked, status, rule):
  got, said = api(port, "products", **asked)
  assert got == status
  assert rule in said["error"]


def test_the_token_guards_what_is_read_and_not_the_page(served):
  with running.server(served, ui=True, grpc_port=None, token="s3cret") as server:
    assert ask(server.rest_port, "GET", "/")[0] == 200
    assert ask(server.rest_port, "GET", "/ui/api/models")[0] == 401
    assert (
      ask(server.rest_port, "GET", "/ui/api/models", authorization="Bearer s3cret")[1]["grpc_port"] is None
    )
