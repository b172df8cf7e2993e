"""Columns that hold only pads are cut off, but for one."""

import numpy as np
import pytest

from tfrec_combo.base.stack import tf
from tfrec_combo.towers.pads import trimmed


@pytest.mark.parametrize(
  ("rows", "width"),
  [
    ([[1, 2, -1, -1], [3, -1, -1, -1]], 2),
    ([[1, -1, 5, -1], [-1, -1, -1, -1]], 3),
    ([[-1, -1, -1, -1]], 1),
    ([[0, 1, 2, 3]], 4),
  ],
  ids=["the longest decides", "a pad between stays", "nothing but pads", "full"],
)
def test_what_is_left(rows, width):
  np.testing.assert_array_equal(trimmed(tf.constant(rows)), np.array(rows)[:, :width])
