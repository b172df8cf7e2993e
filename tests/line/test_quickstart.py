"""The command itself: what it prints, and that a rerun does nothing again."""

import re
import subprocess

import pytest
from typer.testing import CliRunner

from tests.line.shop import truth
from tfrec_combo.cli import main
from tfrec_combo.evaluation import report
from tfrec_combo.training import fit


def test_it_shows_real_combinations_with_names_prices_and_scores_and_where_the_report_lies(line):
  printed = line.output
  asked = [text for text in printed.splitlines() if text.startswith("$ tfrec-combo recommend --model ")]
  assert len(asked) == 3
  assert ["--combine" in text for text in asked] == [False, True, True]
  assert "--budget" in asked[2]
  # A row of a table: id, name, price; known ones only.
  rows = re.findall(r"│ (p\d{4}) │ (\w+ [^│]+?) +│ +(\d+\.\d\d) │", printed)
  assert len(rows) > 15
  assert {product for product, _, _ in rows} <= truth().family.keys()
  assert str(line.config.run_dir / "evaluation" / "report.html") in printed
  for step in (
    "write records",
    "encode texts",
    "train towers",
    "train ranker",
    "export",
    "rank held-out orders",
  ):
    assert step in printed


def test_a_rerun_does_nothing_again(line, monkeypatch):
  commands = []
  monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
  for module, name in ((fit, "train"), (fit, "trained"), (report, "write_report")):
    monkeypatch.setattr(module, name, lambda *_, name=name, **__: pytest.fail(f"{name} was called again"))
  stamps = lambda: {p: p.stat().st_mtime_ns for p in line.folder.rglob("*") if p.is_file()}
  before = stamps()
  done = CliRunner(env={"COLUMNS": "200"}).invoke(main.app, ["quickstart", "--config", str(line.file)])
  assert done.exit_code == 0, done.stderr
  assert stamps() == before
  assert len(commands) == 3
  assert all(str(line.version) in command for command in commands)
  table = done.stdout[done.stdout.index("held-out orders") :].splitlines()[1:]
  assert set(table) <= set(line.output.splitlines()), "the same figures again"
