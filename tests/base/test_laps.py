"""Seconds of the parts of a work."""

import types

import pytest

from tfrec_combo.base import laps


def test_parts_stand_in_the_order_they_began_and_add_up(monkeypatch):
  clock = iter([0, 10, 11, 14, 20, 21.5])
  monkeypatch.setattr(laps, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
  told = laps.Laps()
  with told("outer"), told("inner"):  # 0 to 14, 10 to 11
    pass
  with pytest.raises(ValueError, match="it fails"), told("inner"):  # 20 to 21.5
    raise ValueError("it fails")
  assert list(told.seconds.items()) == [("outer", 14), ("inner", 2.5)]
  assert str(told) == "outer 14.0, inner 2.5"
