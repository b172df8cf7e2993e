"""What diversity and novelty bring through the exported model, and what the report tells of it."""

import numpy as np
import pytest

from tests.line.test_answers import IDS, mixed
from tfrec_combo.cli import held_out, stages
from tfrec_combo.evaluation.background import known
from tfrec_combo.evaluation.tradeoff import curve
from tfrec_combo.metrics import beyond_accuracy
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.training.assemble import Run

ROWS = 6


def weighted(asked, diversity, novelty):
  full = lambda value: np.full([ROWS], value, np.float32)
  return asked | {"diversity": full(diversity), "novelty": full(novelty)}


@pytest.mark.parametrize("signature", ["recommend", "complete_basket", "serving_default"])
def test_what_is_left_out_or_zero_or_nonsense_is_the_order_of_the_ranker(served, signature):
  asked = mixed("embed_queries")
  plain = served.predict(signature, asked)
  for weights in ((0, 0), (np.nan, np.nan), (-1, -5)):
    again = served.predict(signature, weighted(asked, *weights))
    for name, values in plain.items():
      np.testing.assert_array_equal(again[name], values, err_msg=name)


def test_which_signatures_take_them_and_what_they_are_where_nobody_says(served):
  taken = {
    name: {k: s.defaults[k].tolist() for k in ("diversity", "novelty") if k in s.inputs}
    for name, s in served.signatures.items()
  }
  both = {"diversity": [0.0], "novelty": [0.0]}
  takes = dict.fromkeys(("recommend", "complete_basket", "serving_default"), both) | {
    "combine": {"diversity": [0.0]}
  }
  assert taken == {name: takes.get(name, {}) for name in served.signatures}


def test_more_diversity_is_more_diverse_and_more_novelty_less_popular(served, line):
  products = catalogue(Run(line.config).records)
  asked = mixed("embed_queries", seed=4)
  rows = {
    weights: np.array(
      [
        [IDS.index(i.decode()) for i in one[:10]]
        for one in served.predict("recommend", weighted(asked, *weights))["product_ids"]
      ]
    )
    for weights in ((0, 0), (0.5, 0), (1, 0), (0, 0.5), (0, 1))
  }
  about = known([], products, held_out.texts(Run(line.config), list(rows.values()), products))
  diverse = [beyond_accuracy.diversity(rows[w], about, k=10).mean() for w in ((0, 0), (0.5, 0), (1, 0))]
  assert diverse == sorted(diverse)
  assert diverse[-1] > diverse[0] + 0.1
  popular = [beyond_accuracy.popularity(rows[w], about, k=10).mean() for w in ((0, 0), (0, 0.5), (0, 1))]
  assert popular == sorted(popular, reverse=True)
  assert popular[-1] < popular[0] - 0.1


def test_the_curve_starts_at_the_model_and_falls_in_accuracy(line):
  config = line.config.model_copy(
    update={"evaluation": line.config.evaluation.model_copy(update={"tradeoff": 40})}
  )
  run, products = Run(config), catalogue(Run(config).records)
  everything = held_out.drawn(run)
  found, asked = held_out.traded(run, line.version, everything, products)
  assert len(asked) == 40
  told = curve(found, asked, products, 10, held_out.texts(run, list(found.values()), products))
  ours = held_out.served(line.version, asked, products["product_id"].to_list(), 10, lambda *_: None)
  np.testing.assert_array_equal(found[0.0, 0.0], ours)
  assert stages._evaluation_key(config, line.version) != stages._evaluation_key(line.config, line.version)
  assert told["points"][0]["NDCG@10"] > max(
    p["NDCG@10"] for p in told["points"] if 1 in (p["diversity"], p["novelty"])
  )
