"""What the model found out about the shop, whose right answers are known by construction."""

import collections

import numpy as np
import polars as pl
import pytest

from tests.line.shop import requests, truth, words
from tfrec_combo.logs.sources.synthetic_words import FAMILIES
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.training.assemble import Run


@pytest.fixture(scope="module")
def products(line):
  return catalogue(Run(line.config).records)


@pytest.fixture(scope="module")
def mains(products):
  """The products of each family's main slot."""
  nouns = {family.slots[0][0] for family in FAMILIES.values()}
  return [p for p, text in products.select("product_id", "text").rows() if text.split(" ", 1)[1] in nouns]


def test_a_main_product_is_completed_by_its_complements(served, mains):
  right = truth()
  assert len({right.family[p] for p in mains}) == len(FAMILIES)
  answer = words(
    served.predict("complete_basket", requests(len(mains), basket_ids=[[p] for p in mains]))["product_ids"]
  )
  first = [row[0] in right.complements[p] for p, row in zip(mains, answer)]
  assert np.mean(first) >= 0.9
  ten = [np.mean([p in right.complements[main] for p in row[:10]]) for main, row in zip(mains, answer)]
  assert np.mean(ten) > 0.7


def test_a_set_holds_no_two_of_a_kind(served, mains):
  right = truth()
  asked = requests(len(mains), "combine", basket_ids=[[p] for p in mains], size=[3] * len(mains))
  sets = words(served.predict("combine", asked)["set_ids"])
  of_family = []
  for main, row in zip(mains, sets):
    assert all(len(s) == 3 for s in row)
    for s in row:
      assert not any(right.substitutes[p] & set(s) for p in s), s
    of_family += [p in right.complements[main] for p in row[0]]
  assert np.mean(of_family) > 0.8


def test_shoppers_get_their_favourites_again(served):
  right = truth()
  users = sorted(right.favourites)[:60]
  found = []
  histories = []
  for number, user in enumerate(users):
    # A history of three orders, each with the favourites and a product of a family.
    one = sorted(right.complements)[number]
    histories.append([*right.favourites[user], one] * 3)
  days = [[5] * 3 + [20] * 3 + [40] * 3] * len(users)
  asked = requests(len(users), history_ids=histories, history_days=days)
  answer = words(served.predict("recommend", asked)["product_ids"])
  found = [len(set(row[:5]) & set(right.favourites[u])) / 2 for u, row in zip(users, answer)]
  assert np.mean(found) > 0.9


def test_a_new_product_lies_nearest_to_its_own_kind(served, products):
  """A cold product's vector comes from its text and category alone."""
  right = truth()
  asked = {
    "text": products["text"].to_numpy().astype(object),
    "category": products["category"].to_numpy().astype(object),
    "price": products["price"].to_numpy().astype(np.float32),
  }
  vectors = served.predict("embed_products", asked)["vectors"]
  ids = products["product_id"].to_list()
  np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
  cosines = vectors @ vectors.T
  np.fill_diagonal(cosines, -1)
  near = []
  for product in sorted(right.cold):
    row = cosines[ids.index(product)]
    nearest = [ids[i] for i in np.argsort(-row)[:4]]
    near.append(np.mean([right.family[p] == right.family[product] for p in nearest]))
  assert np.mean(near) > 0.8


def test_a_product_nobody_ordered_is_found_by_words(served, products):
  right = truth()
  cold = products.filter(pl.col("product_id").is_in(list(right.cold)))
  nouns = [text.split(" ", 1)[1] for text in cold["text"]]
  answer = words(served.predict("recommend", requests(len(nouns), query=nouns))["product_ids"])
  places = [row.index(p) if p in row else 99 for p, row in zip(cold["product_id"], answer)]
  assert np.median(places) < 10
  family = [
    collections.Counter(right.family[p] for p in row[:5]).most_common(1)[0][0] == right.family[product]
    for product, row in zip(cold["product_id"], answer)
  ]
  assert np.mean(family) >= 0.8
