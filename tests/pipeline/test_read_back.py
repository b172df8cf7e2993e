import dataclasses

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from tests.records import small
from tfrec_combo.base.config import parse
from tfrec_combo.base.errors import DataError
from tfrec_combo.pipeline import catalogue as catalogue_module
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.records import builder

CONFIG = parse({"data": {"source": "synthetic"}})
SIZES = {"train": 3, "test": 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp("shop") / "records"
  builder.write(small.decisions(SIZES), CONFIG, folder)
  return folder


def test_catalogue_comes_back_in_row_order(folder, monkeypatch):
  monkeypatch.setattr(catalogue_module, "_BATCH", 7)  # more than one batch, the last one smaller
  assert_frame_equal(catalogue(folder), small.decisions(SIZES).catalogue, check_exact=True)


def test_requests_are_the_decisions_without_their_user(folder):
  wanted = {d.order_id: d for d in small.decisions(SIZES).of("test")}
  got = requests(folder, "test")
  assert {d.order_id for d in got} == wanted.keys()
  for decision in got:
    for field in dataclasses.fields(decision):
      value = getattr(decision, field.name)
      expected = "" if field.name == "user_id" else getattr(wanted[decision.order_id], field.name)
      np.testing.assert_array_equal(value, expected)
      if isinstance(value, np.ndarray):
        assert value.dtype == expected.dtype


def test_a_sample_is_made_of_its_seed(folder):
  def ids(**options):
    return [d.order_id for d in requests(folder, "test", **options)]

  sample = ids(limit=10, seed=3)
  assert len(set(sample)) == 10
  assert sample == ids(limit=10, seed=3)
  assert sample != ids(limit=10, seed=4)
  assert ids(limit=1000) == ids()
  with pytest.raises(DataError, match="must hold an example"):
    requests(folder, "valid")
