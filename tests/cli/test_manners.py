"""What every command keeps to: --quiet, --json, plain text in a pipe, completion, exit codes that tell faults apart."""

import inspect
import json
import os
import pathlib
import pty
import re
import subprocess
import sys

import polars as pl
import pytest
import typer
import yaml
from typer.testing import CliRunner

from tests.serving import fake_model
from tfrec_combo.base import errors, pins, stack
from tfrec_combo.cli import main, reindexing, stages
from tfrec_combo.merchandising.proposal import Proposal

COMMANDS = typer.main.get_command(main.app).commands
SILENT = {"serve"}  # it answers others, not the terminal
RESULT = {
  "queries": 2,
  "products": 3,
  "k": 10,
  "systems": {
    "ours": {f"{m}@10": {"mean": 0.5} for m in ("Recall", "NDCG", "HR", "MRR")} | {"Coverage@10": 0.1}
  },
}


@pytest.fixture
def ready(tmp_path, monkeypatch):
  """A folder with a config, products, requests, a model and a run; what takes minutes is stood in for."""
  monkeypatch.chdir(tmp_path)
  values = {
    "name": "shop",
    "data": {"source": "synthetic"},
    "records": {"history": 4, "basket": 8, "shards": 1},
  }
  pathlib.Path("shop.yaml").write_text(yaml.safe_dump(values))
  fake_model.save(tmp_path / "saved_models" / "shop")
  fake_model.write_queries(tmp_path / "q.jsonl", [{"query_id": "a"}])
  run = tmp_path / "runs" / "shop"
  (run / "towers").mkdir(parents=True)
  state = {"epoch": 2, "best_epoch": 1, "best": 0.25, "history": {"loss": [2.0, 1.0]}}
  (run / "towers" / "state.json").write_text(json.dumps(state))
  (run / "config.yaml").write_text("name: shop\n")
  pl.DataFrame({"sku": ["a", "b"], "title": ["tea", "cup"]}).write_csv("products.csv")
  lines = {
    "client": ["u", "u", "v"],
    "sku": ["a", "b", "a"],
    "time": ["2024-01-01", "2024-01-02", "2024-01-03"],
  }
  pl.DataFrame(lines).write_csv("orders.csv")
  version = tmp_path / "saved_models" / "shop" / "1"
  for name, answer in (("train", None), ("export", version), ("export_all", [version]), ("evaluate", RESULT)):
    monkeypatch.setattr(stages, name, lambda *_, answer=answer: answer)
  monkeypatch.setattr(stages, "prepare", lambda *_: {"products": 120})
  monkeypatch.setattr(stack, "check", lambda: [pins.Finding("polars", "2", "2", True)])
  monkeypatch.setattr(reindexing, "reindex", lambda *_: [version])
  monkeypatch.setattr("tfrec_combo.cli.quickstart._ask", lambda *_: None)
  empty = pl.DataFrame(schema={"bundle_id": pl.String})
  fields = [f for f in inspect.signature(Proposal).parameters]
  proposal = Proposal(
    **(dict.fromkeys(fields, 0) | {"table": empty, "bundles": [], "unmet": [], "of_list": []})
  )
  monkeypatch.setattr("tfrec_combo.cli.proposals.bundles", lambda *_: (proposal, tmp_path))


ARGUMENTS = {
  "quickstart": "--config shop.yaml",
  "init": "products.csv orders.csv --out new.yaml",
  "prepare": "--config shop.yaml",
  "train": "--config shop.yaml",
  "evaluate": "--config shop.yaml",
  "report": "runs/shop",
  "export": "--config shop.yaml",
  "reindex": "--config shop.yaml --products products.csv",
  "inspect": "saved_models/shop",
  "recommend": "--model saved_models/shop --basket p1,gone -k 2",
  "rank": "--model saved_models/shop --queries q.jsonl --out r.jsonl -k 2",
  "bundles": "--config shop.yaml",
  "synthesize": "--products 40 --lines 200 --out big --force",
  "doctor": "",
}


def run(name, *more):
  done = CliRunner(env={"COLUMNS": "200"}).invoke(main.app, [name, *ARGUMENTS[name].split(), *more])
  return done.exit_code, done.stdout, done.stderr


def test_every_command_is_held_to_the_manners():
  assert set(ARGUMENTS) | SILENT == set(main.COMMANDS) == set(COMMANDS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_words_json_or_nothing(ready, name):
  code, told, _ = run(name, *(["--force"] if name == "init" else []))
  assert code == 0
  assert told.strip(), "people are told something"
  code, out, _ = run(name, "--json", *(["--force"] if name == "init" else []))
  assert code == 0
  assert json.loads(out, parse_constant=pytest.fail)
  quiet = run(name, "--quiet", *(["--force"] if name == "init" else []))
  assert quiet == (0, "", "")
  both = run(name, "--quiet", "--json", *(["--force"] if name == "init" else []))
  assert both[2] == ""
  assert json.loads(both[1]).keys() == json.loads(out).keys() if isinstance(json.loads(out), dict) else True


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_says_how_it_is_silenced(name):
  options = {o for p in COMMANDS[name].params for o in p.opts}
  assert {"--quiet", "-q"} <= options
  assert ("--json" in options) == (name not in SILENT)


def test_an_error_is_told_when_quiet_too(ready):
  code, out, err = run("recommend", "--quiet", "-k", "99")
  assert (code, out) == (errors.DataError.exit_code, "")
  assert err.startswith("error: -k must be")


def test_every_kind_of_error_has_a_code_of_its_own_that_is_explained():
  kinds = [errors.ComboError, *errors.ComboError.__subclasses__(), *errors.ModelError.__subclasses__()]
  # The client's own are no errors of a command.
  codes = [kind.exit_code for kind in kinds if kind.__module__ == errors.__name__]
  assert len(set(codes)) == len(codes)
  assert set(codes) | {0, main.EXIT_SYSTEM, main.EXIT_STOPPED} == set(main.EXIT_CODES)


def whole(*args, **env):
  """The program in a process of its own, its output in a pipe."""
  base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
  command = [sys.executable, "-m", "tfrec_combo.cli", *args]
  return subprocess.run(command, capture_output=True, text=True, env=base | {"TERM": "xterm-256color"} | env)


def test_a_pipe_gets_no_colours():
  done = whole("recommend", "--help")
  assert "Example" in done.stdout
  assert "\x1b" not in done.stdout
  wrong = whole("recommend", "--nonsense")
  assert (wrong.returncode, "\x1b" in wrong.stderr) == (2, False)


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_it_wants_none(env, coloured):
  own, other = pty.openpty()
  base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
  command = [sys.executable, "-m", "tfrec_combo.cli", "doctor", "--help"]
  process = subprocess.Popen(command, stdout=other, stderr=other, env=base | {"TERM": "xterm-256color"} | env)
  os.close(other)
  shown = b""
  try:
    while part := os.read(own, 4096):
      shown += part
  except OSError:  # the other end is closed
    pass
  os.close(own)
  assert process.wait() == 0
  assert b"Usage" in shown
  colours = re.findall(rb"\x1b\[[\d;]*?(?:3[0-7]|9[0-7]|38;[\d;]+)m", shown)
  assert bool(colours) == coloured


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete(shell):
  script = whole(_TFREC_COMBO_COMPLETE=f"source_{shell}")
  assert script.returncode == 0
  assert "tfrec-combo" in script.stdout


def test_completion_names_the_commands():
  asked = {"COMP_WORDS": "tfrec-combo re", "COMP_CWORD": "1"}
  found = whole(_TFREC_COMBO_COMPLETE="complete_bash", **asked)
  assert set(found.stdout.split()) == {"report", "reindex", "recommend"}
  assert {"--install-completion", "--show-completion"} <= {
    o for p in typer.main.get_command(main.app).params for o in p.opts
  }
