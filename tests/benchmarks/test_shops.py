"""What each benchmark reads, writes for the model, and knows the answer to."""

import datetime
import pathlib

import numpy as np
import polars as pl
import pytest

from benchmarks.quality import bundlerec, complete_journey, youshu
from benchmarks.quality.model import settings
from benchmarks.quality.peers.households import Log, examples
from benchmarks.quality.problem import lines, without
from benchmarks.quality.shops import SHOPS
from tests.benchmarks import made
from tfrec_combo.base import config as c
from tfrec_combo.base.errors import DataError
from tfrec_combo.logs import sources
from tfrec_combo.logs.split import decide

MAKERS = {"complete-journey": made.complete_journey, "bundlerec": made.bundlerec, "youshu": made.youshu}


def rank(peers, requests, ids, k):
  """Name -> the ids that each peer answers to the requests."""
  return {p.name: [[ids[i] for i in row if i >= 0] for row in p.rank(requests, k)] for p in peers}


@pytest.mark.parametrize("name", SHOPS)
def test_a_folder_of_another_kind_is_told(name, tmp_path):
  with pytest.raises((DataError, FileNotFoundError), match=tmp_path.name):  # polars shortens a long path
    SHOPS[name].problem(tmp_path)


@pytest.mark.parametrize("name", SHOPS)
def test_every_peer_has_a_name_and_ranks_what_is_asked(name, tmp_path):
  folder = MAKERS[name](tmp_path / "p")
  found = SHOPS[name].problem(folder)
  peers = list(SHOPS[name].peers(folder, found, made.encode))
  assert len({p.name for p in peers}) == len(peers) > 3
  for track in SHOPS[name].tracks:
    for peer in peers:
      assert peer.rank(without(found.requests, *track.without), 2).shape == (len(found.requests), 2)


@pytest.mark.parametrize("name", ["complete-journey", "bundlerec"])
def test_the_model_learns_all_that_the_folder_has_to_teach(name, tmp_path):
  folder = MAKERS[name](tmp_path / "p")
  shop = SHOPS[name]
  config = c.load(
    settings(shop, shop.tables(folder, tmp_path / "t"), tmp_path / "o", 7, {"ranker.epochs": 5})
  )
  assert (config.seed, config.ranker.epochs, config.run_dir.parent) == (7, 5, tmp_path / "o" / "runs")
  decisions = decide(sources.read(config), config)
  problem = shop.problem(folder)
  assert sorted(decisions.catalogue["product_id"]) == sorted(problem.ids)
  assert decisions.orders.height == problem.orders.shape[0]
  assert "test" not in decisions.orders["split"].to_list()
  texts = dict(decisions.catalogue.select("product_id", "text").iter_rows())
  assert [texts[i] for i in problem.ids] == problem.texts


def test_a_left_out_product_is_found_by_company_or_by_words(tmp_path):
  folder = made.bundlerec(tmp_path / "p")
  found = bundlerec.problem(folder)
  truth = [row["targets"] for row in lines(folder / "truth.jsonl")]
  answers = rank(bundlerec.peers(folder, found, made.encode), found.requests, found.ids, 1)
  assert answers["EASE"][:-1] == answers["ItemKNN"][:-1] == truth[:-1]
  assert answers["EASE"][-1] != truth[-1]  # in no bundle
  assert answers["EASE + 0.3 MiniLM, titles"] == truth
  assert found.requests[0].query == "for tea"


def test_the_moment_is_exact_whatever_the_rounding_of_days(tmp_path):
  assert complete_journey.start_of(made.complete_journey(tmp_path / "a")) == made.START
  odd = datetime.datetime(2017, 11, 7, 13, 20)
  assert complete_journey.start_of(made.complete_journey(tmp_path / "b", start=odd, seed=5)) == odd


def test_without_a_history_the_moment_is_just_after_the_last_event(tmp_path):
  folder = made.complete_journey(tmp_path / "p")
  made.jsonl(folder / "queries.jsonl", [{**q, "history": []} for q in lines(folder / "queries.jsonl")])
  last = pl.read_parquet(folder / "events.parquet")["transaction_timestamp"].max()
  assert last < complete_journey.start_of(folder) <= last + datetime.timedelta(seconds=1)


def test_habits_complete_a_basket_and_strangers_get_its_company(tmp_path):
  folder = made.complete_journey(tmp_path / "p")
  found = complete_journey.problem(folder)
  truth = [set(row["targets"]) for row in lines(folder / "truth.jsonl")]
  peers = [
    p for p in complete_journey.peers(folder, found, made.encode) if p.name in ("personal frequency", "EASE")
  ]
  known = rank(peers, found.requests, found.ids, 2)
  assert [set(ids) for ids in known["personal frequency"]] == truth
  strangers = rank(peers, without(found.requests, "history"), found.ids, 2)
  assert strangers["EASE"] == known["EASE"]
  assert strangers["personal frequency"] != known["personal frequency"]


def test_examples_are_later_baskets_with_the_history_as_it_stood():
  # user 0 buys 0 and 1 on day 1, 2 on day 2; then 0 1 2 3 on day 11, inside the window. User 1 is not known before it.
  rows = [
    (0, 0, 0, 1.0),
    (0, 0, 1, 1.0),
    (0, 1, 2, 2.0),
    *((0, 2, i, 11.0) for i in range(4)),
    *((1, 3, i, 12.0) for i in range(4)),
  ]
  users, orders, items, days = (np.array(column) for column in zip(*rows))
  (found,) = examples(Log(users, orders, items, days, 5, []), 10.0, 20.0, most=9, seed=0)
  assert found.history.tolist()[0] == 2
  assert sorted(found.history.tolist()) == [0, 1, 2]
  assert found.history_days.tolist() == [8.0, 9.0, 9.0]
  assert (len(found.basket), len(found.target)) == (2, 2)
  assert {*found.basket.tolist(), *found.target.tolist()} == {0, 1, 2, 3}


def test_bundles_of_others_alike_are_found(tmp_path):
  folder = made.youshu(tmp_path / "p")
  found = youshu.problem(folder)
  truth = [row["targets"] for row in lines(folder / "truth.jsonl")]
  assert found.requests[1].history.tolist() == found.requests[1].basket.tolist() == [1, 3]
  answers = rank(youshu.peers(folder, found, made.encode), found.requests, found.ids, 1)
  assert answers["EASE, user-bundle"] == truth
  assert answers["EASE, bundle-item rows and overlap"] == truth


def test_requests_of_bundles_carry_what_the_user_has(tmp_path):
  folder = made.youshu(tmp_path / "p")
  asked = next(lines(youshu.requests(folder, pathlib.Path(tmp_path))))
  assert asked == {
    "query_id": "0",
    "user_id": "0",
    "exclude": ["0", "2"],
    "history": [{"product_id": "0"}, {"product_id": "1"}, {"product_id": "2"}],
    "bundle_history": ["0", "2"],
  }
