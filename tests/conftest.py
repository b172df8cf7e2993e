"""What every test stands on: Keras 2 for TFRS, two logical CPU devices, and repeatable hypothesis runs."""

import importlib.abc
import importlib.util
import os
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # subprocesses of tests inherit it
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import hypothesis
import pytest

hypothesis.settings.register_profile("here", deadline=None, derandomize=True)
hypothesis.settings.load_profile("here")


class _TwoDevices(importlib.abc.MetaPathFinder):
  """Splits the CPU in two the moment TensorFlow is first imported, wherever that is.

  Logical devices can only be set before TensorFlow is used, and tests that need no TensorFlow should not pay
  for its import, so neither a fixture nor an import here would do.
  """

  def find_spec(self, name, path=None, target=None):
    if name != "tensorflow":
      return None
    sys.meta_path.remove(self)
    spec = importlib.util.find_spec(name)
    run = spec.loader.exec_module

    def run_and_split(module):
      run(module)
      half = module.config.LogicalDeviceConfiguration()
      cpu = module.config.list_physical_devices("CPU")[0]
      module.config.set_logical_device_configuration(cpu, [half, half])

    spec.loader.exec_module = run_and_split
    return spec


sys.meta_path.insert(0, _TwoDevices())

_ROOMS = ("line", "training")  # whose files share one trained run
_FIRST = (*_ROOMS, "tests/test_notebooks.py")  # the longest groups, the longest of them first


def _group(nodeid):
  path = nodeid.partition("::")[0]
  return next((room for room in _ROOMS if path.startswith(f"tests/{room}/")), path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
  """A file, or a room that shares a run, goes to one worker."""
  from xdist.scheduler import LoadScopeScheduling

  class ByGroup(LoadScopeScheduling):
    def _split_scope(self, nodeid):
      return _group(nodeid)

  return ByGroup(config, log)


def pytest_collection_modifyitems(config, items):
  """Workers begin with what takes longest."""
  if hasattr(config, "workerinput"):
    place = {group: n for n, group in enumerate(_FIRST)}
    items.sort(key=lambda item: place.get(_group(item.nodeid), len(_FIRST)))
