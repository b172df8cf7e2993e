import importlib.util
import json
import os
import pathlib
import random
import subprocess
import sys
import threading

import pytest
from typer.testing import CliRunner

from tests.serving import fake_model
from tests.serving.fake_model import IDS, write_queries
from tfrec_combo.base.errors import DataError, ModelError
from tfrec_combo.cli import main

PROTOCOL = pathlib.Path(__file__).parents[2].parent / "shared" / "benchmarks" / "protocol.py"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
  return fake_model.shop(tmp_path_factory)


@pytest.fixture
def rank(shop, tmp_path):
  """Runs the command on requests (or a file) with some options: (exit code, its rankings, stdout, stderr)."""

  def run(queries, *options, out=tmp_path / "r.jsonl"):
    if isinstance(queries, list):
      queries = write_queries(tmp_path / "q.jsonl", queries)
    command = ["rank", "--model", str(shop), "--queries", str(queries), "--out", str(out), *options]
    done = CliRunner().invoke(main.app, command)
    rows = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else None
    return done.exit_code, rows, done.stdout, done.stderr

  return run


def best(request, k):
  """The fake model's answer, worked out by hand for requests without history: by number, the query's first."""
  gone = {*request.get("basket", []), *request.get("exclude", [])}
  ids = sorted(IDS, key=lambda i: (i != request.get("query"), i))
  return [i for i in ids if i not in gone][:k]


def test_every_request_is_answered_in_its_order_and_the_empty_one_too(rank):
  queries = [
    {"query_id": "a", "basket": ["p0", "p1"]},
    {"query_id": "b"},
    {"query_id": 3, "user_id": 5, "query": "P8", "exclude": ["p2", "no such"]},
    {"query_id": "ü", "history": [{"product_id": "p5", "days_ago": 1}, {"product_id": "gone"}], "basket": []},
  ]
  code, rows, out, _ = rank(queries, "-k", "4")
  assert code == 0
  assert rows == [
    {"query_id": "a", "ids": ["p2", "p3", "p4", "p5"]},
    {"query_id": "b", "ids": ["p0", "p1", "p2", "p3"]},
    {"query_id": "3", "ids": ["p8", "p0", "p1", "p3"]},
    {"query_id": "ü", "ids": ["p5", "p0", "p1", "p2"]},
  ]
  assert "4 requests answered by shop/1" in out


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_the_batch_changes_no_answer(rank, batch):
  draw = random.Random(0)
  queries = [
    {
      "query_id": str(i),
      "basket": draw.sample(IDS, i % 3),
      "query": draw.choice(IDS),
      "exclude": draw.sample(IDS, i % 2),
    }
    for i in range(7)
  ]
  code, rows, _, _ = rank(queries, "-k", "6", "--batch", str(batch))
  assert code == 0
  assert rows == [{"query_id": q["query_id"], "ids": best(q, 6)} for q in queries]


def test_complete_basket_ranks_too(rank):
  code, rows, _, _ = rank([{"query_id": "a", "basket": ["p0"]}], "-k", "2", "--signature", "complete_basket")
  assert (code, rows) == (0, [{"query_id": "a", "ids": ["p1", "p2"]}])


def test_what_does_not_fit_the_model_is_obeyed_all_the_same(rank):
  queries = [{"query_id": "a", "exclude": ["p0", "p1", "p2", "p4"]}, {"query_id": "b", "basket": IDS[:5]}]
  code, rows, _, _ = rank(queries, "-k", "3")
  assert code == 0
  assert [row["ids"] for row in rows] == [["p3", "p5", "p6"], ["p5", "p6", "p7"]]


def test_no_request_gives_an_empty_file(rank):
  code, rows, _, _ = rank([], "-k", "2")
  assert (code, rows) == (0, [])


@pytest.mark.parametrize(
  ("queries", "options", "words"),
  [
    ([{"query_id": "a"}], ["-k", "7"], "-k must be 1 to 6, what this model answers, got 7; ask for fewer"),
    ([{"query_id": "a"}], ["-k", "0"], "-k must be 1 to 6"),
    ([{"query_id": "a"}], ["-k", "2", "--batch", "0"], "--batch must be positive, got 0"),
    (
      [{"query_id": "a"}],
      ["-k", "2", "--signature", "combine"],
      "signature must rank products or bundles, got 'combine'",
    ),
    ([{"query_id": "a"}], ["-k", "2", "--signature", "x"], "got 'x'; use one of: combine, complete_basket"),
    (
      [{"query_id": "a"}] * 5 + [{"query_id": "b", "bsket": []}],
      ["-k", "2", "--batch", "2"],
      "line 6: bsket is not",
    ),
    ([{"query_id": "a"}, {"basket": []}], ["-k", "2"], "line 2: query_id must be given"),
    ("none.jsonl", ["-k", "2"], "--queries must name a file that can be read, got 'none.jsonl'"),
  ],
)
def test_a_fault_is_one_line_and_what_was_written_before_stays(rank, tmp_path, queries, options, words):
  out = tmp_path / "r.jsonl"
  out.write_text('{"query_id": "before", "ids": []}\n')
  code, rows, _, err = rank(queries, *options, out=out)
  assert code in (DataError.exit_code, ModelError.exit_code)
  assert rows == [{"query_id": "before", "ids": []}]
  errors = [line for line in err.splitlines() if line.startswith("error: ")]
  assert len(errors) == 1
  assert words in errors[0]
  assert {p.name for p in tmp_path.iterdir()} <= {"q.jsonl", "r.jsonl"}


def test_rankings_do_not_replace_their_own_requests(rank, tmp_path):
  path = write_queries(tmp_path / "q.jsonl", [{"query_id": "a"}])
  before = path.read_text()
  code, _, _, err = rank(path, "-k", "2", out=path)
  assert code == DataError.exit_code
  assert "--out must be another file than --queries" in err
  assert path.read_text() == before


def test_requests_may_come_through_a_pipe(rank, tmp_path):
  pipe = tmp_path / "pipe"
  os.mkfifo(pipe)
  writer = threading.Thread(target=lambda: pipe.write_text('{"query_id": "a"}\n' * 5))
  writer.start()
  code, rows, _, _ = rank(pipe, "-k", "1", "--batch", "2")
  writer.join()
  assert (code, rows) == (0, [{"query_id": "a", "ids": ["p0"]}] * 5)


@pytest.mark.skipif(not PROTOCOL.is_file(), reason="the benchmark protocols are not beside this clone")
def test_rankings_score_by_the_benchmark_protocol(rank, tmp_path):
  spec = importlib.util.spec_from_file_location("protocol", PROTOCOL)
  protocol = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(protocol)
  queries = [{"query_id": str(i), "basket": [f"p{i}"]} for i in range(4)]
  truth = [{"query_id": str(i), "targets": ["p0" if i else "p1", "p9"]} for i in range(4)]
  rank(queries, "-k", "2")
  score = protocol.score(write_queries(tmp_path / "truth.jsonl", truth), tmp_path / "r.jsonl", ks=(2,))
  # Each finds the first of its two targets in the first place and misses the other.
  assert score["answered"] == 4
  assert (score["Recall@2"], score["HR@2"]) == (0.5, 1.0)
  assert score["NDCG@2"] == pytest.approx(1 / (1 + 1 / 1.584963), abs=1e-4)


def test_a_whole_process_prints_nothing_of_tensorflow(shop, tmp_path):
  write_queries(tmp_path / "q.jsonl", [{"query_id": "a"}])
  code = "from tfrec_combo.cli.main import main; main()"
  command = [
    sys.executable,
    "-c",
    code,
    "rank",
    "--model",
    shop,
    "--queries",
    "q.jsonl",
    "--out",
    "r.jsonl",
    "-k",
    "1",
  ]
  env = os.environ | {"PYTHONPATH": str(pathlib.Path(main.__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "2"}
  done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
  assert done.returncode == 0, done.stderr
  assert done.stdout.startswith("1 requests answered by shop/1")
  assert done.stderr.startswith("rank requests")
  assert len(done.stderr.splitlines()) == 1
