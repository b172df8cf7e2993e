"""The house keeps its one-way imports: a room imports itself and earlier rooms only."""

import ast
import pathlib

import pytest

import tfrec_combo

HOUSE = pathlib.Path(tfrec_combo.__file__).parent
ROOMS = (
  "base",
  "client",
  "metrics",
  "logs",
  "records",
  "pipeline",
  "towers",
  "retrieval",
  "combos",
  "evaluation",
  "merchandising",
  "training",
  "export",
  "serving",
  "cli",
)
FILES = sorted(HOUSE.rglob("*.py"))
# A served request needs TensorFlow, scann and the web stack; nothing that trains.
NOT_SERVED = {"keras", "tf_keras", "keras_nlp", "keras_hub", "tensorflow_recommenders", "tensorflow_datasets"}
NOT_SERVED_STACK = {"keras", "tf_keras", "keras_nlp", "tfrs", "tfds"}
NOT_SERVED_ROOMS = {"towers", "retrieval", "combos", "evaluation", "training", "pipeline", "records", "logs"}
NOT_SERVED_ROOMS |= {"merchandising"}


def imports(source):
  """Dotted names imported anywhere in a file, in functions too; `from a import b` counts as a and as a.b."""
  for node in ast.walk(ast.parse(source)):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, "imports are absolute here"
      yield node.module
      yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(source):
  return {n.split(".")[1] for n in imports(source) if n.startswith("tfrec_combo.")} & set(ROOMS)


def room_of(path):
  return path.relative_to(HOUSE).parts[0]


def test_the_reader_of_imports_sees_each_form():
  source = (
    "import tfrec_combo.a.b\ndef f():\n  from tfrec_combo import c\nfrom tfrec_combo.d.e import g\nimport os"
  )
  found = set(imports(source))
  assert {"tfrec_combo.a.b", "tfrec_combo.c", "tfrec_combo.d.e", "tfrec_combo.d.e.g", "os"} <= found


def test_every_folder_is_a_room_with_a_line_on_what_it_is_for():
  folders = {p.name for p in HOUSE.iterdir() if p.is_dir() and any(p.rglob("*.py"))}
  assert folders <= set(ROOMS)
  for room in folders:
    assert ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text())), room


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_imports_run_one_way(path):
  room = room_of(path)
  allowed = set(ROOMS[: ROOMS.index(room) + 1]) if room in ROOMS else {"base"}
  assert rooms(path.read_text()) <= allowed


@pytest.mark.parametrize("path", sorted((HOUSE / "serving").rglob("*.py")), ids=lambda p: p.name)
def test_serving_imports_nothing_that_trains(path):
  found = set(imports(path.read_text()))
  assert not {n.split(".")[0] for n in found} & NOT_SERVED
  assert (
    not {n.rpartition(".")[2] for n in found if n.startswith("tfrec_combo.base.stack.")} & NOT_SERVED_STACK
  )
  assert not rooms(path.read_text()) & NOT_SERVED_ROOMS


@pytest.mark.parametrize("path", sorted((HOUSE / "client").rglob("*.py")), ids=lambda p: p.name)
def test_the_client_stands_on_nothing_but_errors(path):
  found = {n for n in imports(path.read_text()) if n.startswith("tfrec_combo.")}
  assert all(n.startswith(("tfrec_combo.client", "tfrec_combo.base.errors")) for n in found), found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_tensorflow_comes_through_the_stack_and_nothing_is_pickled(path):
  found = {n.split(".")[0] for n in imports(path.read_text())}
  assert not found & {"tensorflow", "tensorflow_text", "scann", "tensorflow_datasets", *NOT_SERVED}, (
    "write `from tfrec_combo.base.stack import tf`: it sets Keras 2 first and checks the versions"
  )
  assert not found & {"pickle", "dill", "cloudpickle", "joblib"}
