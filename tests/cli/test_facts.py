"""What a run and a version tell of themselves, and how requests are recognised in another run."""

import json
import time

import numpy as np
import polars as pl

from tests.evaluation.made import request
from tfrec_combo.base import config
from tfrec_combo.cli import facts, timings


def test_a_version_tells_its_size_and_the_curve_of_its_index(tmp_path):
  version = tmp_path / "shop" / "3"
  (version / "variables").mkdir(parents=True)
  (version / "variables" / "v").write_bytes(b"x" * 2_000_000)
  (version / "saved_model.pb").write_bytes(b"x" * 500_000)
  curve = {"chosen": {"leaves": 4}, "tried": [{"leaves": 4}]}
  (version / "index.json").write_text(json.dumps(curve))
  told = facts.of_model(version)
  assert told["index_curve"] == curve
  shown = {name: told["model"][name] for name in ("model", "version", "weights, indexes and tables", "graph")}
  assert shown == {
    "model": "shop",
    "version": "3",
    "weights, indexes and tables": "2.0 MB",
    "graph": "0.5 MB",
  }
  assert told["model"]["size on disk"] == "2.5 MB"


def test_stages_are_timed_in_the_order_they_run(tmp_path):
  run = config.parse({"name": "shop", "runs": str(tmp_path)})
  for stage, ago in (("export", 5), ("prepare", 2), ("export", 7)):
    timings.note(run, stage, time.monotonic() - ago)
  found = timings.read(run.run_dir)
  assert list(found) == ["prepare", "export"]
  assert 2 <= found["prepare"] < 5 < 7 <= found["export"]


def test_a_request_has_one_key_wherever_its_products_stand_in_the_catalogue():
  queries = pl.DataFrame({"row": [1, 0], "system": ["ours"] * 2, "NDCG": [0.5, 1.0]})
  asked = [request(basket=[0, 1], target=[2], order="a"), request(basket=[2], target=[0], order="b")]
  here = facts.keyed(queries, asked, pl.DataFrame({"product_id": ["x", "y", "z"]}))
  turned = [request(basket=[1, 2], target=[0], order="a"), request(basket=[0], target=[2], order="b")]
  there = facts.keyed(queries, turned, pl.DataFrame({"product_id": ["z", "y", "x"]}))
  assert here.equals(there)
  assert here["query"].n_unique() == 2
  other = facts.keyed(
    queries, [request(basket=[0], target=[2], order="a"), asked[1]], pl.DataFrame({"product_id": list("xyz")})
  )
  assert np.sum(other["query"].to_numpy() == here["query"].to_numpy()) == 1
