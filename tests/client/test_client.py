"""Every client gives what the model says: one contract for REST and gRPC."""

import os
import subprocess
import sys

import grpc
import numpy as np
import pytest
import trustme

from tests.client import sets_model
from tests.serving.server import running
from tfrec_combo.base.errors import ConfigError, DataError
from tfrec_combo.client.answers import Product
from tfrec_combo.client.asking import Bought, SetWishes, Shopper
from tfrec_combo.client.rest import RestClient
from tfrec_combo.client.retry import ServerError
from tfrec_combo.client.rpc import GrpcClient
from tfrec_combo.serving.server.config_file import Served

APIS = ("rest", "grpc")

# What a shop's own service runs: an HTTP library and numpy.
FRESH = """
import sys
for name in ("tensorflow", "keras", "grpc", "tensorflow_serving", "starlette"):
  sys.modules[name] = None
from tfrec_combo.client.asking import Shopper
from tfrec_combo.client.rest import RestClient
with RestClient(sys.argv[1], "shop") as client:
  print(client.recommend(Shopper(query="P7"))[0].product_id)
rooms = {m.split(".")[1] for m in sys.modules if m.startswith("tfrec_combo.")}
assert rooms == {"base", "client"}, rooms
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  sets = sets_model.save(tmp_path_factory.mktemp("sets"))
  return running.models(tmp_path_factory) | {"sets": Served("sets", sets)}


@pytest.fixture(scope="module")
def server(served):
  with running.server(served) as started:
    yield started


def client(server, api, model, **more):
  if api == "rest":
    return RestClient(f"http://127.0.0.1:{server.rest_port}", model, **{"timeout": 60.0} | more)
  return GrpcClient(f"127.0.0.1:{server.grpc_port}", model, **{"timeout": 60.0} | more)


@pytest.fixture(scope="module", params=APIS)
def shop(request, server):
  with client(server, request.param, "shop") as found:
    yield found


@pytest.fixture(scope="module", params=APIS)
def sets(request, server):
  with client(server, request.param, "sets") as found:
    yield found


def ids(products):
  return [p.product_id for p in products]


def test_the_empty_shopper_gets_the_popular_answer(shop):
  assert shop.recommend(k=2) == [Product("p0", 9.0, 1.0), Product("p1", 8.0, 2.0)]
  assert ids(shop.recommend(k=50)) == [f"p{i}" for i in range(6)]


def test_each_part_of_a_shopper_arrives(shop):
  history = ["p8", Bought("p5", 9.0), Bought("p3", 4.0)]
  assert ids(shop.recommend(Shopper(history=history), 3)) == ["p8", "p3", "p5"], "the latest lie first"
  assert ids(shop.recommend(Shopper(basket=["p0"], exclude=["p2"]), 2)) == ["p1", "p3"]
  assert ids(shop.recommend(Shopper(query="P7"), 1)) == ["p7"]


def test_what_does_not_fit_the_inputs_is_cut_and_never_answered(shop):
  shopper = Shopper(
    history=[Bought(f"p{i}", 10 - i) for i in range(10)], basket=["p0", "p0", "p1", "p2", "p3"]
  )
  assert ids(shop.recommend(shopper, 6)) == [
    "p9",
    "p8",
    "p7",
    "p6",
    "p4",
  ]  # p3 was answered: the basket holds three


def test_complete_basket_says_what_each_goes_with(shop):
  found = shop.complete_basket(Shopper(basket=["p4"]), 1)
  assert found == [Product("p0", 9.0, 1.0, goes_with="p4", bought_together=7)]
  assert shop.complete_basket(Shopper(), 1)[0].goes_with is None


def test_a_price_that_is_not_known_is_none(shop):
  assert shop.recommend(Shopper(query="p9"), 1)[0].price is None


def test_sets_with_their_members_and_the_word_on_them(shop):
  found = shop.combine(wishes=SetWishes(size_max=2, budget=3.5))
  assert [ids(s.products) for s in found.sets] == [["p0", "p1"]]
  assert (found.sets[0].total, found.sets[0].score) == (3.0, 17.0)
  assert found.status == "ok"
  assert shop.combine(wishes=SetWishes(budget=0.5)).status == "budget"


def test_wishes_that_nobody_has_are_the_models_defaults(sets):
  found = sets.combine(Shopper(basket=["p1"]))
  assert (found.sets, found.status) == ((), "ok")
  found = sets.combine(Shopper(basket=["p1"]), SetWishes(must_include=["p2"], in_stock=["p3", "p4"]))
  first, second = found.sets
  assert first.score == 2 + 40
  assert second.score == 0.25
  assert (first.total, second.total) == (0.0, 0.0)
  assert first.products == (Product("p2", None, 1.0, "basket", "p1", 7, 0.5),)
  assert ids(second.products) == ["p3", "p4"]


def test_every_wish_arrives(sets):
  wishes = SetWishes(3, 5, 12.5, ["p7", "p8"], 2, ["food", "drink"], ["p1"], 0.75)
  found = sets.combine(Shopper(), wishes)
  first, second = found.sets
  assert (first.score, first.total, ids(first.products)) == (53.0, 12.5, ["p7", "p8"])
  assert (second.score, second.total, ids(second.products)) == (0.75, 2.0, ["p1"])
  assert found.status == "food"


@pytest.mark.parametrize(
  ("wishes", "words"),
  [
    (SetWishes(must_include=["p"] * 5), "must_include_ids must be at most 4, got 5"),
    (SetWishes(in_stock=["p"] * 6), "in_stock_ids must be at most 5"),
    (SetWishes(budget=float("nan")), "budget must be finite"),
    (SetWishes(must_include=[17]), "must_include_ids must be strings, got 17"),
    (SetWishes(size_min="many"), "size_min must be numbers"),
  ],
)
def test_a_wish_that_does_not_fit_is_refused_here(sets, wishes, words):
  with pytest.raises(DataError, match=words):
    sets.combine(wishes=wishes)


def test_bundles_are_ranked_whatever_their_number(sets):
  asked = [["p1"], ["p2", "p3"], ["x1", "p4", "p5"], ["p6"], ["p7", "p8", "p9", "y"], ["p8"], ["p9"]]
  found = sets.rank_bundles(asked, Shopper(query="p9"))
  assert [b.index for b in found] == [6, 4, 2, 1, 0, 3, 5]
  best, second = found[:2]
  assert (best.product_ids, best.score, best.total, best.unknown) == (("p9",), 101.0, 2.0, 0)
  assert (second.contributions, second.unknown) == ((1.0,) * 4, 1)
  assert sets.rank_bundles([]) == []
  with pytest.raises(DataError, match="must each hold 1 to 4 products"):
    sets.rank_bundles([["p1"] * 5])


@pytest.mark.parametrize(
  ("shopper", "words"),
  [
    (Shopper(history=[17]), "history_ids must be strings, got 17"),
    (Shopper(history=[Bought("p1", -1.0)]), "days_ago must be 0 or more"),
    (Shopper(query=3), "query must be strings"),
  ],
)
def test_a_shopper_that_breaks_a_rule_is_refused_here(shop, shopper, words):
  with pytest.raises(DataError, match=words):
    shop.recommend(shopper)


@pytest.mark.parametrize("api", APIS)
def test_versions_labels_and_what_is_not_served(server, api):
  for more, times in (({}, 3), ({"version": 1}, 2), ({"label": "stable"}, 2), ({"label": "canary"}, 3)):
    with client(server, api, "odd", **more) as odd:
      assert odd.predict("double", {"x": np.array([2.0], np.float32)})["y"].tolist() == [2.0 * times]
  unserved = {
    ("none", None): "NOT_FOUND",
    ("odd", "version"): "NOT_FOUND",
    ("odd", "label"): "INVALID_ARGUMENT",
  }
  for (model, which), code in unserved.items():
    more = {which: 9 if which == "version" else "x"} if which else {}
    with client(server, api, model, **more) as none, pytest.raises(ServerError) as e:
      none.recommend()
    assert e.value.code == code
  with (
    client(server, api, "sets") as found,
    pytest.raises(DataError, match="must be one that is served, got 'recommend'"),
  ):
    found.recommend()


@pytest.mark.parametrize("api", APIS)
def test_a_token_and_a_certificate_are_asked_for(served, api, tmp_path):
  ca = trustme.CA()
  cert = ca.issue_cert("127.0.0.1", "localhost")
  paths = {name: tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
  ca.cert_pem.write_to_path(paths["ca"])
  cert.cert_chain_pems[0].write_to_path(paths["certificate"])
  cert.private_key_pem.write_to_path(paths["key"])
  with running.server(served, token="s3cret", certificate=paths["certificate"], key=paths["key"]) as server:

    def ask(token):
      if api == "rest":
        found = RestClient(
          f"https://127.0.0.1:{server.rest_port}", "shop", token=token, verify=str(paths["ca"])
        )
      else:
        trusted = grpc.ssl_channel_credentials(paths["ca"].read_bytes())
        found = GrpcClient(
          f"localhost:{server.grpc_port}", "shop", token=token, credentials=trusted, timeout=30.0
        )
      with found:
        return ids(found.recommend(k=1))

    assert ask("s3cret") == ["p0"]
    with pytest.raises(ServerError, match="UNAUTHENTICATED"):
      ask("wrong")


def test_a_fresh_process_asks_without_tensorflow(server):
  command = [sys.executable, "-c", FRESH, f"http://127.0.0.1:{server.rest_port}"]
  done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.getcwd()})
  assert done.stdout == "p7\n", done.stderr[-2000:]


def test_a_wrong_address_is_told():
  with pytest.raises(ConfigError, match="url must begin with http"):
    RestClient("127.0.0.1:8501", "shop")
  with pytest.raises(ConfigError, match="must not be given with a version"):
    RestClient("http://127.0.0.1:8501", "shop", version=1, label="stable")
  with pytest.raises(ServerError, match=r"UNAVAILABLE: .*cannot be reached"):
    RestClient("http://127.0.0.1:9", "shop", timeout=1.0, retries=1).recommend()
