"""What a log tells of its products is read from the records once."""

import json

import numpy as np
import pytest

from tfrec_combo.combos.co_purchase import count, order_matrix
from tfrec_combo.combos.habits import habits
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.training import learnt
from tfrec_combo.training.run import Run, splits


@pytest.fixture
def run(trained, tmp_path):
  """The trained run, whose kept files are others."""
  run = Run(trained[0])
  there = {n: (run.config.run_dir / f"{n}.npz").read_bytes() for n in ("learnt", "queries")}
  yield run
  for name, content in there.items():
    (run.config.run_dir / f"{name}.npz").write_bytes(content)


def parts(found):
  counts, again = found
  return {**vars(counts), **vars(again)}


def same(found, wanted):
  assert found.keys() == wanted.keys()
  for name, values in wanted.items():
    np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_a_kept_count_is_that_of_the_records_and_they_are_not_read_again(run, monkeypatch):
  products = catalogue(run.records).height
  decisions = [d for s in splits(run, learnt.LEARNT) for d in requests(run.records, s)]
  held = order_matrix([np.concatenate([d.basket, d.target]) for d in decisions], products)
  settings = run.config.retrieval
  wanted = parts((count(held, settings.neighbours, settings.shrink), habits(decisions, products)))
  (run.config.run_dir / "learnt.npz").unlink()
  same(parts(learnt.learnt(run, learnt.LEARNT, products)), wanted)
  texts = learnt.queries(run)
  assert texts == sorted({d.query for d in decisions} - {""})

  monkeypatch.setattr(learnt, "requests", None)
  same(parts(learnt.learnt(run, learnt.LEARNT, products)), wanted)
  assert learnt.queries(run) == texts


def test_products_that_came_later_are_ones_that_nobody_bought(run):
  products = catalogue(run.records).height
  before = parts(learnt.learnt(run, learnt.LEARNT, products))
  after = parts(learnt.learnt(run, learnt.LEARNT, products + 2))
  assert after.pop("total") == before.pop("total")
  same({name: values[:products] for name, values in after.items()}, before)
  new = {name: values[products:] for name, values in after.items()}
  assert (new["rows"] == -1).all()
  assert not new["together"].any()
  assert not new["orders"].any()
  # As often bought again, and as long apart, as the usual product of the shop.
  decisions = [d for s in splits(run, learnt.LEARNT) for d in requests(run.records, s)]
  usual = habits(decisions, products + 1)
  assert {name: new[name].tolist() for name in vars(usual)} == {
    n: [v[-1]] * 2 for n, v in vars(usual).items()
  }


def test_other_settings_and_damage_forget_what_was_kept(run, caplog):
  products = catalogue(run.records).height
  path = run.config.run_dir / "learnt.npz"
  wanted = parts(learnt.learnt(run, learnt.LEARNT, products))
  fewer = run.config.model_copy(
    update={"retrieval": run.config.retrieval.model_copy(update={"neighbours": 1})}
  )
  assert learnt.learnt(Run(fewer), learnt.LEARNT, products)[0].rows.shape == (products, 1)
  same(parts(learnt.learnt(run, learnt.LEARNT, products)), wanted)
  path.write_bytes(path.read_bytes()[:200])
  same(parts(learnt.learnt(run, learnt.LEARNT, products)), wanted)
  assert "cannot be read and is made again" in caplog.text


def test_of_several_workers_the_chief_alone_keeps_it(run, monkeypatch):
  products = catalogue(run.records).height
  path = run.config.run_dir / "learnt.npz"
  wanted = parts(learnt.learnt(run, learnt.LEARNT, products))
  for own, keeps in ((1, False), (0, True)):
    path.unlink()
    cluster = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}
    monkeypatch.setenv(
      "TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": own}})
    )
    same(parts(learnt.learnt(run, learnt.LEARNT, products)), wanted)
    assert path.is_file() == keeps
    monkeypatch.delenv("TF_CONFIG")
    learnt.learnt(run, learnt.LEARNT, products)
