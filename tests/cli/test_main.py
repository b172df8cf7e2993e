import json
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from tfrec_combo import __version__
from tfrec_combo.base import pins, stack
from tfrec_combo.base.errors import ConfigError, DataError, HeldBack
from tfrec_combo.cli import main

FINE = pins.Finding("scann", "1.4.2", "1.4.2", True)
BAD = pins.Finding("polars", "0.1", "2.1.0", False, 'python -m pip install "polars[all]==2.1.0" ' + "-" * 100)


def run(*args):
  """A command in this process: (exit code, stdout, stderr)."""
  done = CliRunner().invoke(main.app, args)
  return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def command(monkeypatch):
  """Adds a command `try` that raises what it is given, for one test; returns how to run the whole program."""

  def run_whole(error, *args, capsys):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(main.options)

    def attempt(word: str = "x"):
      raise error

    app.command("try")(main.guarded(attempt))
    monkeypatch.setattr(main, "app", app)
    with pytest.raises(SystemExit) as e:
      main.main([*args])
    return e.value.code, capsys.readouterr()

  return run_whole


@pytest.mark.parametrize(
  ("error", "code", "line"),
  [
    (
      DataError("events.csv row 3: price must be positive"),
      3,
      "error: events.csv row 3: price must be positive\n",
    ),
    (KeyError("a"), 1, "unexpected KeyError: 'a'; run again with --debug for the trace\n"),
    (
      ValueError("two\n lines"),
      1,
      "unexpected ValueError: two lines; run again with --debug for the trace\n",
    ),
    (ConfigError("seed must be a number"), 2, "error: seed must be a number\n"),
    (HeldBack("it keeps too little"), 6, "error: it keeps too little\n"),
    (PermissionError("runs: no"), 7, "error: runs: no\n"),
    (KeyboardInterrupt(), 130, "stopped\n"),
  ],
)
def test_an_error_is_one_line_and_an_exit_code(command, capsys, error, code, line):
  got, printed = command(error, "try", capsys=capsys)
  assert (got, printed.err, printed.out) == (code, line, "")


@pytest.mark.parametrize("args", [("--debug", "try"), ("try", "--debug"), ("try", "--word", "y", "--debug")])
def test_debug_shows_the_trace_before_or_after_the_command(command, capsys, args):
  code, printed = command(DataError("bad row"), *args, capsys=capsys)
  assert code == 3
  assert printed.err.startswith("Traceback")
  assert "in attempt" in printed.err
  assert printed.err.endswith("error: bad row\n")


def test_a_command_that_works_exits_zero():
  assert run("--version") == (0, __version__ + "\n", "")


def test_an_unknown_command_or_option_is_refused():
  code, _, err = run("dcotor")
  assert code == 2
  assert "dcotor" in err
  code, _, err = run("doctor", "--jsn")
  assert code == 2
  assert "--jsn" in err


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_help_shows_an_example(name):
  code, out, _ = run(name, "--help")
  assert code == 0
  assert f"tfrec-combo {name}" in out.partition("Example")[2]


def test_help_names_every_command_and_imports_nothing_heavy():
  code = """
import sys
from tfrec_combo.cli import main
try:
  main.main(["--help"])
except SystemExit as e:
  assert e.code == 0
heavy = {"tensorflow", "keras", "polars", "pandas", "pandera", "plotly", "numpy"} & set(sys.modules)
print("heavy:", sorted(heavy))
"""
  env = os.environ | {"TERM": "dumb", "COLUMNS": "100"}
  done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
  assert "heavy: []" in done.stdout, done.stderr
  for name in main.COMMANDS:
    assert f" {name} " in done.stdout


def test_doctor_is_quiet_about_what_is_right(monkeypatch):
  monkeypatch.setattr(stack, "check", lambda: [FINE])
  code, out, _ = run("doctor")
  assert code == 0
  assert "everything is right" in out


def test_doctor_prints_the_mending_command_on_one_line_and_fails(monkeypatch):
  monkeypatch.setattr(stack, "check", lambda: [FINE, BAD])
  code, out, _ = run("doctor")
  assert code == 5
  assert f"polars: {BAD.mend}\n" in out
  assert "1 fault\n" in out


def test_doctor_as_json_is_what_check_found(monkeypatch):
  monkeypatch.setattr(stack, "check", lambda: [FINE, BAD])
  code, out, _ = run("doctor", "--json")
  assert code == 5
  assert [pins.Finding(**f) for f in json.loads(out)] == [FINE, BAD]


def test_synthesize_writes_a_shop_and_keeps_one_that_is_there(tmp_path):
  command = ("synthesize", "--products", "400", "--lines", "2000", "--csv", "--out", str(tmp_path / "shop"))
  code, out, _ = run(*command)
  assert code == 0
  assert f"tfrec-combo prepare --config {tmp_path / 'shop' / 'shop.yaml'}" in out
  with open(tmp_path / "shop" / "events.csv") as f:
    assert sum(1 for _ in f) == 2001
  code, _, err = run(*command)
  assert code == 3
  assert "--out must be a new folder" in err
  assert run(*command, "--force")[0] == 0
