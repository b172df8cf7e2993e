"""A log of bare ids without times goes through the whole line, and its SavedModel ranks ready-made bundles."""

import numpy as np
import polars as pl
import pytest

from tests.training.small import replayed_here, settings, signatures_only
from tfrec_combo.base import config as c
from tfrec_combo.base.errors import DataError
from tfrec_combo.cli import stages
from tfrec_combo.export import exporter
from tfrec_combo.serving import model
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.requests import check
from tfrec_combo.training import bundles, fit
from tfrec_combo.training.assemble import Run
from tfrec_combo.training.callbacks import history

GROUP, TAKEN = 8, 5  # products of each of two groups; bundles of each that shoppers took
SIGNATURE = "recommend_bundles"


def tables(folder):
  """Shopper s is of group s % 2: four of its products, three of its bundles. `new0` and `new1` were taken by nobody."""
  rng = np.random.default_rng(0)
  some = lambda size, n: rng.choice(size, n, replace=False)
  names = [(f"b{g}{i}", g) for g in (0, 1) for i in range(TAKEN)] + [("new0", 0), ("new1", 1)]
  found = {
    "products": ([(f"é {g} {i}",) for g in (0, 1) for i in range(GROUP)], ["product_id"]),
    "bundles": (
      [(name, f"é {g} {i}") for name, g in names for i in some(GROUP, 4)],
      ["bundle_id", "product_id"],
    ),
    "events": (
      [(f"u{s}", f"é {s % 2} {i}") for s in range(60) for i in some(GROUP, 4)],
      ["user_id", "product_id"],
    ),
    "bundle_events": (
      [(f"u{s}", f"b{s % 2}{i}") for s in range(60) for i in some(TAKEN, 3)],
      ["user_id", "bundle_id"],
    ),
  }
  data = {"source": "tables"}
  for name, (rows, columns) in found.items():
    path = folder / f"{name}.csv"
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(path)
    data[name] = {"path": str(path), "columns": {"timestamp": []} if "user_id" in columns else {}}
  return data


@pytest.fixture(scope="module")
def config(tmp_path_factory, workshop):
  folder = tmp_path_factory.mktemp("ready_made")
  sizes = {
    "export": {"k": 12, "bundle_history": 4},
    "bundles": {"dim": 8, "members": 2, "batch": 16, "epochs": 12, "learning_rate": 0.03, "valid_share": 0.1},
    "training": {"patience": 12},
  }
  found = c.parse(settings(folder, tables(folder), workshop.bert, **sizes))
  profile = stages.prepare(found)
  assert (profile["bundles"], profile["shoppers with bundles"], profile["from"]) == (12, 60, "")
  stages.train(found)
  return found


@pytest.fixture(scope="module")
def served(config):
  with pytest.MonkeyPatch.context() as patched:
    replayed_here(patched.setattr)
    signatures_only(patched.setattr, [SIGNATURE])
    version = stages.export(config)
  with model.load(version) as loaded:
    yield loaded


def ask(served, *requests):
  found = served.predict(SIGNATURE, Batcher(served.signature(SIGNATURE))([check(r) for r in requests]))
  return [[i.decode() for i in row if i] for row in found["bundle_ids"]]


def test_shoppers_nobody_saw_get_their_group_and_new_bundles_stand_with_it(served):
  for g in (0, 1):
    (ranked,) = ask(served, {"history": [{"product_id": f"é {g} {i}"} for i in range(4)]})
    assert set(ranked[: TAKEN + 1]) == {*(f"b{g}{i}" for i in range(TAKEN)), f"new{g}"}
    (ranked,) = ask(served, {"bundle_history": [f"b{g}0", f"b{g}1"], "exclude": [f"b{g}0", f"new{1 - g}"]})
    assert set(ranked[: TAKEN - 1]) < {*(f"b{g}{i}" for i in range(1, TAKEN)), f"new{g}"}
    assert len(ranked) == 2 * TAKEN
    assert not {f"b{g}0", f"new{1 - g}"} & set(ranked)


def test_the_held_out_recall_grew_and_the_best_epoch_is_restored(config):
  curve = history(Run(config).bundles)["held_out"]
  assert len(curve) == 12
  assert curve[0] <= max(curve) <= 1
  restored = bundles.restored(Run(config))
  assert restored.ids == sorted(restored.ids)
  again = bundles.restored(Run(config)).ranker.tables()
  for one, other in zip(restored.ranker.tables(), again):
    np.testing.assert_array_equal(one, other)


def test_what_changes_the_task_trains_and_exports_anew(config, served):
  assert fit.is_trained(config)
  moved = config.model_copy(update={"bundles": config.bundles.model_copy(update={"hidden": 0.4})})
  assert not fit.is_trained(moved)
  assert fit.key(Run(moved)) != fit.key(Run(config))
  assert fit.ranker_key(Run(moved)) == fit.ranker_key(Run(config))
  assert exporter.versions(f"{config.export.folder}/{config.name}") == [1]


def test_a_shop_without_bundle_events_has_no_such_signature(trained):
  assert not bundles.trained_on_bundles(Run(trained[0]))
  assert trained[1].bundles is None
  with pytest.raises(DataError, match="must hold an example"):
    bundles.untrained(Run(trained[0]))
