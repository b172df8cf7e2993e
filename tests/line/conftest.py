"""One run of the whole line, shared by the tests of this folder."""

import shutil

import pytest

from tests.line import shop
from tfrec_combo.serving import model

_started: list[shop.Line] = []


def pytest_collection_finish(session):
  """The run starts now: it mostly waits for one core, and the tests before those of this folder for the other.

  Workers of pytest-xdist start it when they need it, as only one of them does.
  """
  alone = not hasattr(session.config, "workerinput")
  if alone and not session.config.option.collectonly and any("line" in i.fixturenames for i in session.items):
    _started.append(shop.start())


def pytest_sessionfinish():
  for line in _started:
    line.process.kill()
    line.process.wait()
    shutil.rmtree(line.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def line():
  """The finished run. Nothing may change its folder."""
  if not _started:
    _started.append(shop.start())
  return _started[0].finished()


@pytest.fixture(scope="session")
def served(line):
  """Its SavedModel in session mode."""
  with model.load(line.version) as loaded:
    yield loaded
