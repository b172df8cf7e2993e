"""The report of the run."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from tfrec_combo.base.errors import DataError
from tfrec_combo.cli import main, stages, timings
from tfrec_combo.evaluation import report
from tfrec_combo.training.assemble import Run


@pytest.fixture(scope="module")
def told(line):
  """report.json as the command wrote it."""
  return json.loads((Run(line.config).evaluation / "report.json").read_text())


def test_the_report_is_there_for_programs_and_people(line, told):
  folder = Run(line.config).evaluation
  assert {p.name for p in folder.iterdir()} == {"report.json", "report.md", "report.html", "queries.parquet"}
  ours = told["result"]["systems"]["tfrec_combo"]["NDCG@10"]["mean"]
  for name in ("report.md", "report.html"):
    text = (folder / name).read_text()
    assert "ItemKNN" in text
    assert f"{ours:.4f}" in text or f"{ours:.3f}" in text
  assert f"{ours:.4f}" in line.output


def test_ours_beats_popularity_and_the_best_peer(told):
  systems = dict(told["result"]["systems"])
  ours = systems.pop("tfrec_combo")
  assert ours["NDCG@10"]["mean"] > 2 * systems["popular"]["NDCG@10"]["mean"]
  assert ours["Recall@10"]["mean"] > 2 * systems["popular"]["Recall@10"]["mean"]
  assert ours["NDCG@10"]["low"] > max(s["NDCG@10"]["mean"] for s in systems.values())


def test_evaluating_again_answers_what_the_report_says(line, told, monkeypatch):
  kept = {}
  monkeypatch.setattr(
    report, "write_report", lambda folder, *told: kept.update(zip(("result", "run", "queries"), told))
  )
  assert stages.evaluate(line.config, line.version) == told["result"]
  assert not kept, "the report is of this model and these questions, so nothing is ranked again"
  monkeypatch.setattr(stages, "_evaluation_key", lambda config, model: "another")
  monkeypatch.setattr(timings, "note", lambda *_: None)  # nothing may change in the folder of the run
  result = stages.evaluate(line.config, line.version)
  assert result == told["result"] == kept["result"]
  assert kept["run"]["examples"] == told["run"]["examples"]
  assert kept["queries"].equals(pl.read_parquet(Run(line.config).evaluation / "queries.parquet"))
  assert told["run"]["timings"].keys() == {"prepare", "train", "export", "evaluate"}
  assert told["run"]["history"].keys() == {"towers", "ranker", "sets", "bundles"}
  assert len(told["run"]["history"]["towers"]["held_out"]) == 4


def test_examples_show_what_went_well_and_what_did_not(told):
  found = told["run"]["examples"]
  assert [e["kind"] for e in found] == ["good"] * 4 + ["bad"] * 4
  assert min(e["ndcg"] for e in found[:4]) > max(e["ndcg"] for e in found[4:])
  for example in found:
    marked = [text for text, hit in zip(example["answer"], example["hits"]) if hit]
    assert set(marked) <= set(example["truth"]) or len(example["truth"]) > 6


def test_the_report_tells_of_the_model_the_index_and_the_data(line, told):
  run = told["run"]
  total = sum(p.stat().st_size for p in line.version.rglob("*") if p.is_file())
  assert run["model"]["size on disk"] == f"{total / 1e6:,.1f} MB"
  assert run["index"] == json.loads((line.version / "manifest.json").read_text())["index"]
  assert run["profile"]["products"] == 120
  assert any(name.startswith("category ") for name in told["result"]["slices"])


def test_the_command_writes_pages_of_one_run_and_of_several(line, tmp_path):
  run = str(line.config.run_dir)
  invoke = lambda *args: CliRunner(env={"COLUMNS": "200"}).invoke(main.app, ["report", *args])
  done = invoke(run, "--out", str(tmp_path / "one.html"))
  assert done.exit_code == 0, done.stderr
  assert done.stdout == f"page: {tmp_path / 'one.html'}\n"
  written = Run(line.config).evaluation / "report.html"
  assert (tmp_path / "one.html").read_text() == written.read_text(), "the page that the evaluation wrote"
  bare = tmp_path / "bare"
  bare.mkdir()
  for name in ("config.yaml", "profile.json", "timings.json"):
    (bare / name).write_bytes((line.config.run_dir / name).read_bytes())
  done = invoke(run, run, str(bare), "--out", str(tmp_path / "both.html"))
  assert done.exit_code == 0, done.stderr
  assert "+0.0000" in done.stdout
  assert f"{tmp_path.name}/bare" in (tmp_path / "both.html").read_text()
  assert "not evaluated yet" in invoke_page(invoke, bare)


def invoke_page(invoke, folder):
  """The page of a run that is not evaluated yet."""
  assert invoke(str(folder)).exit_code == 0
  return (folder / "evaluation" / "report.md").read_text()


@pytest.mark.parametrize(
  ("args", "words"),
  [
    (["nowhere"], "RUN must be the folder of a run, got 'nowhere'; name a run's folder"),
    (["nowhere", "--out", "page.txt"], "--out must end in .html"),
  ],
)
def test_what_is_no_run_is_told(args, words):
  done = CliRunner().invoke(main.app, ["report", *args])
  assert (done.exit_code, done.stdout) == (DataError.exit_code, "")
  assert words in done.stderr
