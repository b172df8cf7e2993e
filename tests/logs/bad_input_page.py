"""docs/bad_input.md: what is told about every kind of bad input. `python -m tests.logs.bad_input_page` writes it."""

import contextlib
import os
import pathlib
import tempfile

from typer.testing import CliRunner

from tests.logs import test_bad_input
from tests.serving import fake_model
from tfrec_combo.cli import main

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "bad_input.md"
HEAD = """# Bad input, and what is said about it

`tfrec-combo prepare --config my_shop.yaml` checks the tables and prints these after `error: `, and leaves with exit \
code 3 (a wrong setting: 2; [cli.md](cli.md) has all); where a row names another command, that one prints \
it. Of a table of faults the lines of the faults are shown; all faults \
of all tables are told at once. Written by `python -m tests.logs.bad_input_page`.

| Kind | Message |
| --- | --- |
"""
CONFIG = "name: shop\ndata: {source: synthetic}\n"
# Kind -> (what is typed, files it reads beside shop.yaml).
COMMANDS = {
  "unknown setting": (
    "prepare --config bad.yaml",
    {"bad.yaml": CONFIG + "combine: {sise: 2}\n"},
  ),
  "setting of the wrong type": ("prepare --config bad.yaml", {"bad.yaml": CONFIG + "seed: many\n"}),
  "setting out of its range": ("prepare --config shop.yaml --set split.test_days=-3", {}),
  "config that is not YAML": ("prepare --config bad.yaml", {"bad.yaml": "data: [\n"}),
  "config file that is not there": ("prepare --config nowhere.yaml", {}),
  "config name that does not come along": ("prepare --config nowhere", {}),
  "--set without =": ("prepare --config shop.yaml --set seed", {}),
  "train before prepare": ("train --config shop.yaml", {}),
  "malformed line of requests": (
    "rank --model saved_models/shop --queries queries.jsonl --out rankings.jsonl -k 5",
    {"queries.jsonl": '{"query_id": "1"}\n{"query_id": "2", "basket": \n'},
  ),
}


def kinds() -> list[str]:
  """Every kind of bad input, in the order of the page."""
  typed = [f"{kind} (`tfrec-combo {line}`)" for kind, (line, _) in COMMANDS.items()]
  return [case.name for case in test_bad_input.CASES] + typed


def messages(folder: pathlib.Path) -> list[str]:
  """What is told of each kind, as it is really told; paths are relative. `folder`: an empty one."""
  told = []
  for number, case in enumerate(test_bad_input.CASES):
    place = folder / str(number) / "shop"
    place.mkdir(parents=True)
    told.append(_shortened(test_bad_input.message(case, place).replace(f"{place.parent}/", "")))
  with contextlib.chdir(folder):
    fake_model.save(pathlib.Path("saved_models/shop"))
    pathlib.Path("shop.yaml").write_text(CONFIG)
    for line, files in COMMANDS.values():
      for name, text in files.items():
        pathlib.Path(name).write_text(text)
      done = CliRunner().invoke(main.app, line.split())
      assert 1 < done.exit_code < main.EXIT_SYSTEM, done.output
      told.append(done.stderr.strip().partition("error: ")[2].replace(f"{folder}{os.sep}", ""))
  return told


def _shortened(message: str) -> str:
  lines = message.splitlines()
  if not lines[0].endswith("in the tables:"):
    return message
  return "\n".join(lines[2 : lines.index("by rule:")])


def page(folder: pathlib.Path) -> str:
  """The page. `folder`: an empty one."""
  found = []
  for kind, message in zip(kinds(), messages(folder), strict=True):
    lines = message.replace("|", "\\|").splitlines()
    found.append(f"| {kind} | {'<br>'.join(map(_code, lines))} |\n")
  return HEAD + "".join(found)


def _code(line: str) -> str:
  return f"`` {line} ``" if "`" in line else f"`{line}`"


def rows(text: str) -> dict[str, str]:
  """Kind -> message of the table in `text`."""
  lines = [line for line in text.splitlines() if line.startswith("| ")][2:]
  return dict(line.strip("| ").split(" | ", 1) for line in lines)


if __name__ == "__main__":
  with tempfile.TemporaryDirectory() as name:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(pathlib.Path(name).resolve()), encoding="utf-8")
