"""Runs read back and held side by side: pairs by request, and a page of what differs."""

import pathlib

import numpy as np
import polars as pl
import pytest

from tests.evaluation.made import random_requests
from tests.evaluation.test_report import NASTY, RUN, Page
from tfrec_combo.evaluation import comparison, kept, report
from tfrec_combo.evaluation.score import by_query, score

CATALOGUE = pl.DataFrame({"orders": range(40), "category": [f"A{i % 3} > x" for i in range(40)]})
ASKED = random_requests()


def rankings(right):
  """Ours finds its first target at place `right` of 10, every third time at 3; a peer never does."""
  ours, peer = np.full([len(ASKED), 10], -1), np.full([len(ASKED), 10], -1)
  for row, asked in enumerate(ASKED):
    wrong = [p for p in range(40) if p not in asked.target]
    ours[row], peer[row] = wrong[:10], wrong[-10:]
    ours[row, right if row % 3 else 3] = asked.target[0]
  return {"ours": ours, "popular": peer}


def write(folder, name, right, keys=None, **facts):
  ranked = rankings(right)
  result = score(ranked, ASKED, CATALOGUE, (5, 10), seed=0)
  keys = keys or [f"q{i}" for i in range(len(ASKED))]
  queries = by_query(ranked, ASKED, result["k"])
  queries = queries.with_columns(query=pl.Series(keys)[queries["row"]]).drop("row")
  report.write_report(folder / name / "evaluation", result, RUN | {"name": name} | facts, queries)
  return kept.read(folder / name / "evaluation")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
  folder = tmp_path_factory.mktemp("runs")
  config = f"name: b\ntowers: {{dim: 128}}\nnote: '{NASTY}'\n"
  elsewhere = [f"other{i}" for i in range(len(ASKED))]
  return (
    write(folder, "first", 3, config="name: a\ntowers: {dim: 64}\n"),
    write(folder, f"better {NASTY}".replace("/", ""), 0, config=config),
    write(folder, "elsewhere", 0, keys=elsewhere),
  )


def test_what_was_written_is_read_back(runs):
  first = runs[0]
  assert (first.name, first.ours) == ("first", "ours")
  assert first.result["systems"].keys() == {"ours", "popular"}
  assert first.queries.filter(pl.col("system") == "ours").height == len(ASKED)
  mean = first.queries.filter(pl.col("system") == "ours")["NDCG"].mean()
  assert mean == pytest.approx(first.result["systems"]["ours"]["NDCG@10"]["mean"], abs=1e-6)


def test_runs_are_paired_request_by_request(runs):
  ndcg, recall, *unpaired = kept.deltas(runs)
  means = [run.result["systems"]["ours"]["NDCG@10"]["mean"] for run in runs]
  assert ndcg["difference"] == pytest.approx(means[1] - means[0], abs=1e-6)
  assert 0 < ndcg["low"] < ndcg["difference"] < ndcg["high"]
  assert (ndcg["requests"], ndcg["p"] < 0.01) == (len(ASKED), True)
  assert recall["difference"] == 0
  assert [(d["requests"], d["difference"]) for d in unpaired] == [(0, None), (0, None)]


def test_pairs_do_not_need_the_same_order_of_requests(runs):
  turned = kept.Kept("turned", runs[1].result, runs[1].run, runs[1].queries.reverse())
  assert kept.deltas([runs[0], turned])[0] == kept.deltas(runs)[0] | {"run": "turned"}


def test_each_run_is_a_system_beside_the_best_peer(runs):
  side = kept.side_by_side(runs)
  assert list(side["systems"]) == [*(run.name for run in runs), "popular (peer)"]
  assert side["systems"][runs[1].name] == {
    m: c for m, c in runs[1].result["systems"]["ours"].items() if m in side["systems"][runs[1].name]
  }
  assert side["slices"]["category A0"]["systems"].keys() == {run.name for run in runs}
  assert kept.side_by_side([kept.Kept("new", None, {})]) == {}


def test_the_page_names_what_differs_and_asks_for_nothing(runs, tmp_path):
  side, found = kept.side_by_side(runs), kept.deltas(runs)
  report.write_both(
    tmp_path / "all.html", "all", comparison.headline(found), comparison.sections(runs, side, found)
  )
  text = (tmp_path / "all.html").read_text()
  page = Page(text)
  assert (page.open, page.addresses) == ([], [])
  assert "<script>alert(1)" not in text
  shown = " ".join(page.text)
  assert f"{runs[1].name} against first: NDCG@10 +" in shown
  differing = shown.partition("Settings that differ")[2]
  assert "towers.dim 64 128" in " ".join(differing.split())
  assert "Versions that differ" not in shown


def test_runs_of_one_name_are_told_apart():
  same = [kept.Kept("shop", None, {})] * 2
  names = lambda *folders: [r.name for r in kept.told_apart(same, [pathlib.Path(f) for f in folders])]
  assert names("/a/runs/shop", "/b/other/shop") == ["runs/shop", "other/shop"]
  assert names("/a/runs/shop", "/a/runs/shop") == ["1. runs/shop", "2. runs/shop"]
  assert [r.name for r in kept.told_apart(same[:1], [pathlib.Path("x")])] == ["shop"]
