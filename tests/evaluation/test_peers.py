"""The contract of every peer, then what each of them knows."""

import numpy as np
import pytest

from tests.evaluation.made import random_requests, random_table, request, table
from tfrec_combo.evaluation import shelf as shelves
from tfrec_combo.evaluation.knn import BasketCosine
from tfrec_combo.evaluation.peers import (
  ItemKNN,
  ItemKNNPersonal,
  PersonalDecay,
  PersonalFrequency,
  Popular,
  all_peers,
)
from tfrec_combo.evaluation.shelf import Shelf

ORDERS = random_table()
PEERS = all_peers(ORDERS)


def test_peers_have_names_of_their_own():
  assert len({p.name for p in PEERS}) == len(PEERS) == 6


@pytest.mark.parametrize("peer", PEERS, ids=lambda p: p.name)
def test_contract(peer, monkeypatch):
  requests = random_requests()
  ranked = peer.rank(requests, 10)
  assert ranked.shape == (len(requests), 10)
  assert ranked.dtype == np.int32
  for row, asked in zip(ranked, requests):
    assert len(set(row.tolist())) == 10
    assert set(row.tolist()) <= set(range(40)) - set(asked.basket.tolist())
  np.testing.assert_array_equal(peer.rank(requests, 10), ranked)
  np.testing.assert_array_equal(peer.rank(requests, 4), ranked[:, :4])
  # in chunks of two requests, and by a peer built anew
  monkeypatch.setattr(shelves, "CHUNK_SCORES", 80)
  calls = []
  np.testing.assert_array_equal(peer.rank(requests, 10, lambda *call: calls.append(call)), ranked)
  assert calls == [(done, 30) for done in range(2, 31, 2)]
  anew = next(p for p in all_peers(ORDERS.copy()) if p.name == peer.name)
  np.testing.assert_array_equal(anew.rank(requests, 10), ranked)


@pytest.mark.parametrize("peer", PEERS, ids=lambda p: p.name)
def test_nothing_known_gets_the_popular_answer(peer):
  popular = np.argsort(-np.asarray(ORDERS.sum(axis=0)).ravel(), kind="stable")
  np.testing.assert_array_equal(peer.rank([request()], 12)[0], popular[:12])
  assert peer.rank([], 5).shape == (0, 5)


@pytest.mark.parametrize("peer", PEERS, ids=lambda p: p.name)
def test_places_beyond_the_catalogue_are_empty(peer):
  ranked = peer.rank([request(basket=range(37), history=(2, 38))], 45)[0]
  assert set(ranked[:3].tolist()) == {37, 38, 39}
  assert (ranked[3:] == -1).all()


def test_popular_orders_by_orders_then_by_number():
  orders = table([[2, 3], [2, 3], [1, 3], [1], [0]], 5)
  peer = Popular(Shelf(orders))
  assert peer.rank([request()], 5)[0].tolist() == [3, 1, 2, 0, 4]
  assert peer.rank([request(basket=[1])], 3)[0].tolist() == [3, 2, 0]


def test_popular_counts_orders_and_not_units():
  orders = table([[0], [1], [1]], 2)
  orders.data[0] = 9  # nine units in one order
  assert Popular(Shelf(orders)).rank([request()], 1)[0].tolist() == [1]


def test_personal_frequency_counts_and_breaks_ties_by_popularity():
  shelf = Shelf(table([[4], [4], [2], [0, 1, 2, 3]], 5))  # popularity 4, 2, then 0, 1, 3
  asked = request(history=[3, 1, 1, 2, 0])
  assert PersonalFrequency(shelf).rank([asked], 5)[0].tolist() == [1, 2, 0, 3, 4]


def test_personal_decay_halves_in_its_half_life():
  shelf = Shelf(table([[0, 1, 2]], 3))
  # 1 was bought today: 1; 0 three times 60 days ago: 3/4; 2 five times 60 days ago: 5/4
  asked = request(history=[1, *[0] * 3, *[2] * 5], days=[0] + [60] * 8)
  assert PersonalDecay(shelf, 30).rank([asked], 3)[0].tolist() == [2, 1, 0]
  assert PersonalDecay(shelf, 20).rank([asked], 3)[0].tolist() == [1, 2, 0]
  assert PersonalFrequency(shelf).rank([asked], 3)[0].tolist() == [2, 0, 1]


def test_item_knn_scores_are_the_mean_shrunk_cosine():
  shelf = Shelf(ORDERS)
  dense = (ORDERS.toarray() > 0).astype(float)
  count = dense.sum(axis=0)
  cosine = dense.T @ dense / (np.sqrt(np.outer(count, count)) + 4)
  requests = random_requests()
  scores = BasketCosine(shelf, ORDERS, shrink=4)(requests).toarray()[:, shelf.places]
  for row, asked in zip(scores, requests):
    wanted = cosine[asked.basket].mean(axis=0) if len(asked.basket) else np.zeros(40)
    np.testing.assert_allclose(row, wanted, rtol=1e-5)


def test_item_knn_finds_the_companion_and_not_the_popular():
  orders = table([[0, 1], [0, 1], [0, 1], [3], [3], [3], [3], [3], [2, 3]], 4)
  peer = ItemKNN(BasketCosine(Shelf(orders), orders))
  assert peer.rank([request(basket=[0])], 3)[0].tolist() == [1, 3, 2]
  assert peer.rank([request(basket=[2])], 1)[0].tolist() == [3]


@pytest.mark.parametrize("decay", [True, False])
def test_the_blend_listens_to_basket_and_shopper(decay):
  # 1 goes with 0 in 12 of their orders, 2 in one of 40; 3 and 4 never do
  orders = table([[0, 1]] * 12 + [[0, 2]] + [[2]] * 39 + [[3]] + [[4]] * 60, 5)
  peer = ItemKNNPersonal(BasketCosine(Shelf(orders), orders), decay)
  assert peer.rank([request(basket=[0])], 4)[0].tolist() == [1, 2, 4, 3]
  assert peer.rank([request(basket=[0], history=[3] * 5)], 4)[0].tolist() == [1, 3, 2, 4]
  assert peer.rank([request(history=[3] * 5)], 4)[0].tolist() == [3, 4, 2, 0]


def test_only_decay_tells_the_lately_bought_from_the_long_ago_bought():
  orders = table([[0, 1, 2]], 3)
  neighbours = BasketCosine(Shelf(orders), orders)
  lately = request(history=[2, 1], days=[1, 200])
  assert ItemKNNPersonal(neighbours, decay=True).rank([lately], 2)[0].tolist() == [2, 1]
  assert ItemKNNPersonal(neighbours, decay=False).rank([lately], 2)[0].tolist() == [1, 2]
