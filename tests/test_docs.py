"""Docstring examples run."""

import doctest
import importlib
import pathlib

import pytest

import tfrec_combo

HOUSE = pathlib.Path(tfrec_combo.__file__).parent
WITH_EXAMPLES = [
  ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts)
  for path in sorted(HOUSE.rglob("*.py"))
  if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_docstring_examples(name):
  options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
  done = doctest.testmod(importlib.import_module(name), optionflags=options)
  assert done.attempted, "the example is not in a docstring that doctest finds"
  assert not done.failed


def test_public_names_resolve():
  for name in tfrec_combo.__all__:
    assert getattr(tfrec_combo, name) is not None
  with pytest.raises(AttributeError, match=r"it has: .*Config"):
    _ = tfrec_combo.Confug
