"""The report holds every figure, keeps user text as text, and needs no network."""

import html.parser
import json
import re

import numpy as np
import plotly.offline
import polars as pl
import pytest

from tests.evaluation.made import random_requests, random_table
from tfrec_combo.evaluation import plots
from tfrec_combo.evaluation.parts import Plot
from tfrec_combo.evaluation.peers import all_peers
from tfrec_combo.evaluation.report import write_report
from tfrec_combo.evaluation.score import score
from tfrec_combo.evaluation.sections import sections

NASTY = "</script><script>alert(1)</script> | `a` <b>"
CHOSEN = {
  "leaves": 8,
  "leaves_share": 0.5,
  "reorder": None,
  "recall": 0.98,
  "work": 20.0,
  "microseconds": 150.0,
}
RUN = {
  "name": f"shop {NASTY}",
  "profile": {"products": 17797, "days": 364.25, "from": "2017-01-01"},
  "versions": {"tensorflow": "2.20.0"},
  "config": f"name: shop\n# ``` {NASTY}\n",
  "timings": {"prepare": 12.5, f"towers {NASTY}": np.float32(80)},
  "history": {
    "tower": {"loss": [3.0, 2.0], "val_recall": [0.1, np.float32("nan")]},
    "ranker": {"loss": [1.0]},
  },
  "examples": [
    {
      "kind": "good",
      "ndcg": 0.5,
      "request": f"milk {NASTY}",
      "answer": ["Bread", NASTY],
      "hits": [True, False],
      "truth": ["Salt & pepper"],
    }
  ],
  "dropped": {
    "tables": {
      f"events {NASTY}": {
        "rows_read": 1234,
        "rows_dropped": 56,
        "faults": [{"column": "price", "rule": f"must be positive {NASTY}", "count": 78}],
      }
    }
  },
  "model": {"flavour": "portable", "size on disk": "12.3 MB"},
  "index": {"kind": f"tree {NASTY}", "leaves": 8},
  "index_curve": {
    "chosen": CHOSEN,
    "tried": [
      {"leaves": 4, "leaves_share": 0.1, "reorder": 50, "recall": 0.91, "work": 9.0, "microseconds": 90.0},
      CHOSEN,
    ],
  },
}


def plots_of(result, run):
  """Title -> figure of every plot of a report."""
  return {p.title: p.figure for s in sections(result, run) for p in s.parts if isinstance(p, Plot)}


class Page(html.parser.HTMLParser):
  """Tags that are left open, addresses that are asked for, text and scripts."""

  EMPTY = frozenset({"meta", "link", "br"})
  SKIPPED = frozenset({"script", "style"})

  def __init__(self, text):
    super().__init__()
    self.open, self.addresses, self.scripts, self.text = [], [], 0, []
    self.feed(text)

  def handle_starttag(self, tag, attrs):
    self.scripts += tag == "script"
    self.addresses += [v for name, v in attrs if name in ("src", "href") and not v.startswith("#")]
    if tag not in self.EMPTY:
      self.open.append(tag)

  def handle_endtag(self, tag):
    assert self.open.pop() == tag

  def handle_data(self, data):
    if self.open and self.open[-1] not in self.SKIPPED:
      self.text.append(data)


@pytest.fixture(scope="module")
def result():
  orders, requests = random_table(), random_requests()
  counts = np.asarray(orders.sum(axis=0)).ravel().astype(int)
  catalogue = pl.DataFrame({"orders": counts, "category": [f"A > {i % 5}" for i in range(40)]})
  rankings = {p.name: p.rank(requests, 20) for p in all_peers(orders)[::-1]}
  rankings = {f"ours {NASTY}": rankings.pop("ItemKNN + personal + decay"), **rankings}
  vectors = np.random.default_rng(2).normal(size=(40, 6))
  return score(rankings, requests, catalogue, (10, 20), seed=0, vectors=vectors)


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
  folder = tmp_path_factory.mktemp("report")
  (folder / "other.txt").write_text("stays")
  write_report(folder, result, RUN)
  return folder


def test_three_files_are_written_and_others_stay(folder):
  names = {p.name for p in folder.iterdir()}
  assert names == {"report.json", "report.md", "report.html", "other.txt"}


def test_json_holds_the_result_and_the_run_as_plain_values(folder, result):
  found = json.loads((folder / "report.json").read_text(), parse_constant=pytest.fail)
  assert found["result"] == result
  assert found["run"]["history"]["tower"]["val_recall"] == [0.1, None]
  assert found["run"]["timings"]["prepare"] == 12.5


def test_html_is_whole_and_asks_for_nothing(folder):
  text = (folder / "report.html").read_text()
  page = Page(text)
  assert page.open == []
  assert page.addresses == []
  assert text.count(plotly.offline.get_plotlyjs()[:1000]) == 1
  assert text.count('class="plotly-graph-div"') == 8


def test_html_shows_every_figure_of_the_systems(folder, result):
  shown = " ".join(Page((folder / "report.html").read_text()).text)
  for cells in result["systems"].values():
    for name, cell in cells.items():
      if "@20" in name and isinstance(cell, float):
        continue  # beyond accuracy is shown at the first k alone
      assert f"{cell['mean'] if isinstance(cell, dict) else cell:.4f}" in shown, name


def test_user_text_is_shown_and_never_runs(folder):
  text = (folder / "report.html").read_text()
  assert "<script>alert(1)" not in text
  shown = " ".join(Page(text).text)
  told = (RUN["name"], RUN["examples"][0]["request"], RUN["config"].strip(), "Salt & pepper", "✓ Bread")
  for words in (*told, f"must be positive {NASTY}: 78", RUN["index"]["kind"], "12.3 MB", "0.150"):
    assert words in shown


def test_markdown_tables_are_whole(folder, result):
  text = (folder / "report.md").read_text()
  assert "<script>" not in text.split("<details>")[0]
  tables = [block.split("\n") for block in text.split("\n\n") if block.startswith("| ")]
  assert len(tables) == 6
  for rows in tables:
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert len(widths) == 1
  assert len(tables[1]) == 2 + len(result["systems"])
  assert [int(n) for n in re.findall(r"price must be positive.*?: (\d+)", "\n".join(tables[0]))] == [78]
  assert text.count("````") == 2  # a fence longer than the one inside the config


def test_a_run_that_says_nothing_is_enough(result, tmp_path):
  write_report(tmp_path / "new" / "folder", result, {})
  page = Page((tmp_path / "new" / "folder" / "report.html").read_text())
  assert page.open == []
  assert "Examples" not in " ".join(page.text)


def test_one_system_and_one_query_make_a_report(tmp_path):
  requests = random_requests()[-1:]
  catalogue = pl.DataFrame({"orders": [1] * 40})
  ranked = {"ours": np.arange(10)[None]}
  alone = score(ranked, requests, catalogue, (5,), seed=0)
  write_report(tmp_path, alone, {"history": {"tower": {}, "ranker": {"loss": [1.0, 0.5]}}})
  assert "1 held-out request over 40 products" in (tmp_path / "report.md").read_text()


def test_plots_show_what_the_result_says(result):
  plots = plots_of(result, RUN)
  assert list(plots) == [
    "Heavy tail",
    "Curves",
    "Systems side by side",
    "By length of the list",
    "Recall by slice",
    "Where the recommended places go",
    "Recall against latency",
    "Seconds of each stage",
  ]
  ndcg, recall = plots["Systems side by side"].data
  systems = list(result["systems"].values())
  assert list(ndcg.x) == [cells["NDCG@10"]["mean"] for cells in systems]
  assert list(recall.x) == [cells["Recall@10"]["mean"] for cells in systems]
  ends = [x + up for x, up in zip(ndcg.x, ndcg.error_x.array)]
  assert ends == pytest.approx([cells["NDCG@10"]["high"] for cells in systems])
  starts = [x - down for x, down in zip(ndcg.x, ndcg.error_x.arrayminus)]
  assert starts == pytest.approx([cells["NDCG@10"]["low"] for cells in systems])
  assert list(plots["Seconds of each stage"].data[0].x) == [12.5, 80]
  assert [len(trace.x) for trace in plots["Curves"].data] == [2, 2, 1]
  filled = [s for s in result["slices"].values() if s["n"]]
  ours = plots["Recall by slice"].data[-1]
  assert list(ours.x) == [s["systems"][next(iter(result["systems"]))]["Recall@10"]["mean"] for s in filled]
  assert list(plots["Heavy tail"].data[0].y) == result["tail"]["orders"]
  assert list(plots["Recall against latency"].data[-1].x) == [0.15]


@pytest.mark.parametrize(
  ("history", "panes"),
  [
    (
      {"towers": {"loss": [2, 1], "val_loss": [3, 2]}, "ranker": {"loss": [1]}},
      ["towers: loss", "ranker: loss"],
    ),
    (
      {"towers": {"loss": [2], "recall": [0.1]}, "ranker": {"loss": [1]}, "sets": {}},
      ["towers: loss", "towers: held out", "ranker: loss"],
    ),
    ({"towers": {"recall": [0.1]}}, ["towers: held out"]),
  ],
)
def test_training_draws_no_pane_without_a_curve(history, panes):
  figure = plots.training(history)
  assert [note.text for note in figure.layout.annotations] == panes
  axes = list(figure.select_xaxes())
  assert {trace.xaxis or "x" for trace in figure.data} == {
    axis.plotly_name.replace("axis", "") for axis in axes
  }
  assert len(axes) == len(panes)


def test_what_a_plot_shows_can_be_read_without_a_script(folder):
  text = (folder / "report.html").read_text()
  start = text.index('<details class="data"><summary>Figures of “Recall against latency”')
  words = Page(text[start : text.index("</details>", start) + len("</details>")]).text
  cells = [w for w in words if w.strip()]
  assert cells[cells.index("8 leaves") :][:3] == ["8 leaves", "0.15", "0.98"]


def test_a_failed_write_leaves_the_last_report(folder, result, tmp_path, monkeypatch):
  write_report(tmp_path, result, {"name": "first"})
  monkeypatch.setattr("pathlib.Path.write_text", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full")))
  with pytest.raises(OSError, match="disk full"):
    write_report(tmp_path, result, {"name": "second"})
  assert "# first" in (tmp_path / "report.md").read_text()
  assert len(list(tmp_path.iterdir())) == 3
