"""Trained runs of one small log, shared by the tests of this folder."""

import pytest

from tests.training.small import Workshop, replayed_here, signatures_only
from tfrec_combo.training import fit


@pytest.fixture(scope="package")
def workshop(tmp_path_factory):
  return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="package")
def trained(workshop):
  """The config of a run that was trained without a break, and its models. Nothing may change its folder."""
  config = workshop.config("whole")
  return config, fit.train(config)


@pytest.fixture
def quick(monkeypatch):
  """Exports of `signatures_only`, replayed in this process."""
  signatures_only(monkeypatch.setattr)
  replayed_here(monkeypatch.setattr)
