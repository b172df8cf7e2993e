"""The served graph in process: where its weights do nothing, and where they come from."""

import types

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.sets.scorer import SetScorer
from tfrec_combo.export.module import ServedModel

N, ROWS = 40, 3
SETTINGS = makers.config(
  export={"k": 20, "history": 4, "basket": 4, "exclude": 2},
  rerank={"diversity": 0.25},
  evaluation={"k": [10]},
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  shop = makers.catalogue(N, blocks=4, orders=np.arange(N)[::-1])
  rows = makers.block_orders(60, 4, 10, 3)
  words = types.SimpleNamespace(
    width=makers.WIDTH, variables=[], encode=lambda queries: tf.zeros([tf.shape(queries)[0], makers.WIDTH])
  )
  towers = makers.two_tower(shop, SETTINGS)
  ranker = makers.ranker(shop, rows, SETTINGS)
  scorer = SetScorer(4.0, 0.05)
  folder = tmp_path_factory.mktemp("assets")
  return ServedModel(ranker, scorer, towers.product_tower, words, shop, SETTINGS, folder)


def inputs(rows=ROWS):
  """The first request is empty, the second has a basket, the third a history."""
  lists = {"history_ids": np.full([rows, 4], "", object), "basket_ids": np.full([rows, 4], "", object)}
  lists["basket_ids"][1, :2], lists["history_ids"][2, :3] = ["p3", "p5"], ["p11", "p30", "p11"]
  none = np.full([rows], "", object)
  made = lists | {"query": none, "context": none, "exclude_ids": np.full([rows, 2], "", object)}
  days = tf.constant(np.tile(np.arange(4, dtype=np.float32), [rows, 1]))
  return {name: tf.constant(value) for name, value in made.items()} | {"history_days": days}


def weights(diversity=0.0, novelty=0.0):
  return {"diversity": tf.fill([ROWS], diversity), "novelty": tf.fill([ROWS], novelty)}


def test_weights_of_zero_give_the_rankers_answer(served):
  # As a graph, which is what the signatures are: op by op, kernels round otherwise. Two graphs may differ in the last bit, too.
  rows, scores = tf.function(lambda asked: served.ranked(asked, 20)[1:])(inputs())
  names = np.where(rows >= 0, served.ids.numpy()[np.maximum(rows, 0)], b"")
  for signature in (served.recommend, served.complete_basket):
    answer = signature(**inputs(), **weights())
    np.testing.assert_array_equal(answer["product_ids"], names)
    np.testing.assert_allclose(answer["scores"], scores, rtol=1e-6)
  assert (names != b"").sum() > 30


def test_a_request_reads_rows_of_the_catalogues_tables_and_none_of_them_whole(served):
  read, seen = set(), set()
  # `recommend` calls the two, which other signatures call, too.
  for part, given in ((served._ordered, inputs() | weights(0.5, 0.5)), (served._read, inputs())):
    graph = tf.function(part, autograph=False).get_concrete_function(given).graph
    wide = {id(v.handle): v.name for v in graph.variables if v.shape.rank and v.shape[0] == N}
    handles = {t.name: wide[id(outer)] for outer, t in graph.captures if id(outer) in wide}
    read |= {
      handles[op.inputs[0].name]
      for op in graph.get_operations()
      if op.type == "ReadVariableOp" and op.inputs[0].name in handles
    }
    seen |= set(handles.values())
  # The exact index compares with all; as many are popular as this shop has.
  assert {name.partition(":")[0] for name in read} == {"exact_vectors", "popular"}
  assert len(seen) > 12


def test_what_no_signature_reads_is_not_saved(served):
  kept = {v.name.rpartition("/")[2].partition(":")[0] for v in served.weights}
  assert {"vectors", "exact_vectors"} <= kept
  assert not {"ids", "seen", "exact_ids"} & kept


def test_each_weight_changes_the_answer_of_a_request_that_says_something(served):
  plain = served.recommend(**inputs(), **weights())["product_ids"].numpy()
  for changed in (weights(diversity=0.9), weights(novelty=0.9)):
    answer = served.recommend(**inputs(), **changed)
    assert (answer["product_ids"].numpy()[1:] != plain[1:]).any(axis=1).all()
    assert (np.diff(answer["scores"]) <= 1e-5).all()


def test_the_popular_answer_of_an_empty_request_is_not_touched_by_novelty(served):
  plain, changed = (
    served.recommend(**inputs(), **weights(novelty=n))["product_ids"][0].numpy() for n in (0.0, 0.5)
  )
  assert (plain != b"").all()
  np.testing.assert_array_equal(changed, plain)


def test_what_is_left_out_is_what_the_config_says(served):
  signatures = served.signatures()
  plain = inputs()
  for name in ("recommend", "complete_basket"):
    usual = signatures[name](**plain)["product_ids"].numpy()
    said = signatures[name](**plain, **weights(diversity=0.25))["product_ids"].numpy()
    np.testing.assert_array_equal(usual, said)
    assert (usual != signatures[name](**plain, **weights())["product_ids"].numpy()).any()
