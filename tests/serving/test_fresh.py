"""The process that waits for a folder to replay."""

import subprocess
import sys

import numpy as np
import pytest

from tests.export import bad
from tfrec_combo.base.errors import ModelError
from tfrec_combo.serving.fresh import FreshProcess


def test_it_replays_one_folder_after_the_other_and_tells_what_differs(tmp_path):
  x = np.ones([3, 2], np.float32)
  folder = bad.with_requests(tmp_path / "a name" / "1", {"serving_default": bad.twice}, x)
  process = FreshProcess()
  process.replay(folder)
  path = folder / "assets.extra" / "golden" / "serving_default.npz"
  np.savez(path, **(dict(np.load(path)) | {"out:y": 2 * x + 1}))
  with pytest.raises(ModelError, match=r"does not serve: .*y differs by 1\.0"):
    process.replay(folder)


def test_it_ends_quietly_when_nobody_names_a_folder():
  command = [sys.executable, "-m", "tfrec_combo.serving.golden", "-"]
  done = subprocess.run(command, input="", capture_output=True, text=True)
  assert (done.returncode, done.stdout) == (0, "")
