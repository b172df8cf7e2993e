"""The report of the run."""

import json

import pytest

from tfrec_combo.cli import stages
from tfrec_combo.evaluation import report
from tfrec_combo.training.assemble import Run


@pytest.fixture(scope="module")
def told(line):
  """report.json as the command wrote it."""
  return json.loads((Run(line.config).evaluation / "report.json").read_text())


def test_the_report_is_there_for_programs_and_people(line, told):
  folder = Run(line.config).evaluation
  assert {p.name for p in folder.iterdir()} == {"report.json", "report.md", "report.html"}
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
  monkeypatch.setattr(report, "write_report", lambda folder, result, run: kept.update(result=result, run=run))
  assert stages.evaluate(line.config, line.version) == told["result"]
  assert not kept, "the report is of this model and these questions, so nothing is ranked again"
  monkeypatch.setattr(stages, "_evaluation_key", lambda config, model: "another")
  result = stages.evaluate(line.config, line.version)
  assert result == told["result"] == kept["result"]
  assert kept["run"]["examples"] == told["run"]["examples"]
  assert told["run"]["timings"].keys() == {"prepare", "train", "export"}
  assert told["run"]["history"].keys() == {"towers", "ranker"}
  assert len(told["run"]["history"]["towers"]["held_out"]) == 4
