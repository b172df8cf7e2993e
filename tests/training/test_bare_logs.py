"""Logs that lack what a log may lack run through the whole line."""

import json

import numpy as np
import polars as pl

from tests.training.small import replayed_here, settings, signatures_only
from tfrec_combo.base import config as c
from tfrec_combo.cli import stages
from tfrec_combo.cli.samples import sample_requests
from tfrec_combo.serving import model


def test_bundles_of_bare_ids(tmp_path, workshop, monkeypatch):
  """No shopper, no time, no price, no category, no text: two kinds of bundles of six products each."""
  replayed_here(monkeypatch.setattr)
  signatures_only(monkeypatch.setattr, ("recommend", "complete_basket", "combine"))
  ids = [f"é {i}" for i in range(12)]
  rng = np.random.default_rng(0)
  rows = [(f"b{n}", ids[6 * (n % 2) + i]) for n in range(60) for i in rng.choice(6, 4, replace=False)]
  pl.DataFrame({"product_id": ids}).write_csv(tmp_path / "products.csv")
  pl.DataFrame(rows, schema=["bundle_id", "product_id"], orient="row").write_csv(tmp_path / "bundles.csv")
  data = {name: {"path": str(tmp_path / f"{name}.csv")} for name in ("products", "bundles")}
  long = {
    "retrieval": {"epochs": 8, "batch": 8, "learning_rate": 0.01},
    "ranker": {"epochs": 20, "batch": 8, "members": 3},
    "training": {"patience": 20},
  }
  bare = settings(tmp_path, {"source": "tables"} | data, workshop.bert, **long)
  config = c.parse(bare)
  profile = stages.prepare(config)
  assert profile["products"] == 12
  stages.train(config)
  version = stages.export(config)
  result = stages.evaluate(config, version)
  assert result["queries"] > 0
  report = json.loads((config.run_dir / "evaluation" / "report.json").read_text())
  assert report["result"] == json.loads(json.dumps(result))
  assert len(sample_requests(config)) == 2, "there is no category to ask for"

  with model.load(version) as served:
    basket = np.full([2, served.signature("combine").inputs["basket_ids"].shape[1]], "", object)
    basket[:, 0] = ids[0], ids[7]
    size = np.array([3, 2], np.int32)
    wishes = {"size_min": size, "size_max": size, "budget": np.array([0, 10], np.float32)}
    sets = served.predict("combine", {"basket_ids": basket} | wishes)
    assert {i.decode() for i in sets["set_ids"][0, 0]} < set(ids[1:6])
    assert not sets["set_ids"][1].astype(bool).any(), "no price is known, so nothing fits a budget"
    assert sets["status"].tolist() == [b"ok", b"budget"]
    found = served.predict("complete_basket", {"basket_ids": basket})
  for row, kind in ((0, ids[1:6]), (1, [*ids[6:7], *ids[8:]])):
    assert {i.decode() for i in found["product_ids"][row, :5]} == set(kind)
  assert not found["prices"].any()
