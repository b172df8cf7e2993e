"""What every test stands on: Keras 2 for TFRS, two logical CPU devices, and repeatable hypothesis runs."""

import importlib.abc
import importlib.util
import os
import pathlib
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

_ROOT = pathlib.Path(__file__).parent
_ROOMS = ("line", "training")  # whose files share one trained run; the longest, so the first


def pytest_collection_modifyitems(config, items):
  """Under pytest-xdist a file, or a room that shares a run, goes to one worker."""
  if not hasattr(config, "workerinput"):
    return

  def group(item):
    room, *rest = item.path.relative_to(_ROOT).parts
    return room if room in _ROOMS and rest else str(item.path)

  for item in items:
    item.add_marker(pytest.mark.xdist_group(group(item)))
  items.sort(key=lambda item: group(item) not in _ROOMS)
