"""What the documents show runs: their Python, configs, requests, commands, make targets and links."""

import pathlib
import re
import shlex

import nbformat
import pytest
import typer
import yaml
from typer.testing import CliRunner

from tfrec_combo.base import config
from tfrec_combo.cli import main
from tfrec_combo.logs import readers
from tfrec_combo.serving import requests

ROOT = pathlib.Path(__file__).parents[1]
MADE = {"runs", "data", "build", "dist"}  # folders of what runs leave here
TARGETS = set(re.findall(r"^([a-z][a-z_-]*):", (ROOT / "Makefile").read_text(), re.M))


def documents():
  """Path in the clone -> Markdown, of every document and of the notebooks' text."""
  found = {}
  for path in sorted([*ROOT.rglob("*.md"), *ROOT.rglob("*.ipynb")]):
    name = path.relative_to(ROOT)
    if MADE & set(name.parts) or any(part.startswith(".") for part in name.parts):
      continue
    if name.parts[0] == "saved_models" and len(name.parts) > 2:
      continue
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
      cells = nbformat.reads(text, as_version=4).cells
      text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    found[str(name)] = text
  return found


DOCUMENTS = documents()
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.M | re.S)


def blocks(text, *languages):
  return [m[3] for m in FENCE.finditer(text) if m[2] in languages]


def shell_lines(text):
  """Commands of the shell blocks, without prompts and comments, as words."""
  for block in blocks(text, "bash", "console", "sh"):
    for line in re.sub(r"\\\n", " ", block).splitlines():
      words = shlex.split(line.strip().removeprefix("$ "), comments=True)
      if words:
        yield words


def inline(text, program):
  """Commands of `program` inside a sentence, as words; a line may end in them."""
  prose = FENCE.sub("", text)
  return [shlex.split(" ".join(m.split())) for m in re.findall(rf"`({program}\s[^`]+)`", prose)]


def after(words, program):
  """The words behind `program`, whatever folder it is called in; None where it is not called."""
  places = [i for i, word in enumerate(words) if word == program or word.endswith(f"/{program}")]
  return words[places[0] + 1 :] if places else None


def cases(find):
  return [
    pytest.param(found, id=f"{name}-{i}")
    for name, text in DOCUMENTS.items()
    for i, found in enumerate(find(text))
  ]


WITH_PYTHON = [name for name, text in DOCUMENTS.items() if blocks(text, "python")]
COMMANDS = cases(lambda t: [rest for words in shell_lines(t) if (rest := after(words, "tfrec-combo"))])
MENTIONS = cases(lambda t: [words[1:] for words in inline(t, "tfrec-combo")])
MAKES = cases(lambda t: [after(w, "make") for w in [*shell_lines(t), *inline(t, "make")] if after(w, "make")])
CONFIGS = cases(lambda t: [b for b in blocks(t, "yaml") if not b.startswith("# not a config")])
REQUESTS = cases(lambda t: [line for b in blocks(t, "json") for line in b.splitlines() if "query_id" in line])
LINKS = [
  pytest.param(name, link, id=f"{name}-{link}")
  for name, text in DOCUMENTS.items()
  for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text))
  if "://" not in link
]


def test_the_readers_of_documents_see_each_form():
  text = "a `tfrec-combo\ndoctor` and `make x`\n\n```bash\n$ tfrec-combo rank \\\n  -k 3  # c\nenv/bin/tfrec-combo a\n```\n"
  assert [after(w, "tfrec-combo") for w in shell_lines(text)] == [["rank", "-k", "3"], ["a"]]
  assert inline(text, "tfrec-combo") == [["tfrec-combo", "doctor"]]
  assert inline(text, "make") == [["make", "x"]]
  assert {"README.md", "CHANGELOG.md", "saved_models/README.md", "colab/README.md"} <= set(DOCUMENTS)
  assert COMMANDS
  assert MAKES
  assert LINKS


@pytest.mark.parametrize("name", WITH_PYTHON)  # skipped, and told, where no document shows any
def test_python_runs(name, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  namespace = {"__name__": "shown"}
  for i, block in enumerate(blocks(DOCUMENTS[name], "python")):
    exec(compile(block, f"{name}, python block {i}", "exec"), namespace)


@pytest.mark.parametrize("block", CONFIGS)
def test_a_config_parses_and_maps_columns_of_the_contract(block):
  shown = config.parse(yaml.safe_load(block))
  for name, contract in readers.CONTRACTS.items():
    table = getattr(shown.data, name)
    if table is not None:
      assert set(table.columns) <= {*contract.required, *contract.optional}


@pytest.mark.parametrize("line", REQUESTS)
def test_a_request_is_one(line):
  assert requests.parse(line).query_id


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_a_block_is_complete(words):
  words = [word for word in words if word != "--debug"]
  commands = typer.main.get_command(main.app).commands
  assert words[0] in commands
  if "--help" not in words:
    commands[words[0]].make_context(words[0], words[1:])  # raises at an unknown, missing or ill-typed option


@pytest.mark.parametrize("words", MENTIONS)
def test_a_command_in_a_sentence_exists_with_its_options(words):
  words = [word for word in words if word not in ("--debug", "--help", "...")]
  done = CliRunner().invoke(main.app, [*words, "--help"])
  assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("words", MAKES)
def test_make_targets_exist(words):
  assert {word for word in words if "=" not in word and not word.startswith("-")} <= TARGETS


@pytest.mark.parametrize(("name", "link"), LINKS)
def test_relative_links_lead_somewhere(name, link):
  path, _, anchor = link.partition("#")
  if path:
    assert ((ROOT / name).parent / path).exists()
  elif anchor:
    headings = re.findall(r"^#+ (.+)$", DOCUMENTS[name], re.M)
    known = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}
    assert anchor in known | set(re.findall(r'<a name="([^"]+)">', DOCUMENTS[name]))
