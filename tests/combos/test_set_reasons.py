"""Why a product is answered: each reason in a shop where it is the only one that holds, and which comes first."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.features import Features
from tfrec_combo.combos.sets.reasons import KINDS, reasons

# 0 and 1 are bought together, and 2 and 3; 4 lies in every order; 5 is alone; the text of 6 is the query's.
ORDERS = [[0, 1, 4]] * 10 + [[2, 3, 4]] * 5 + [[5, 4]] * 5 + [[6, 4]] * 5
SHOP = makers.catalogue(8)
TEXTS = np.eye(8, makers.WIDTH, dtype=np.float32)
TEXTS[6], TEXTS[7] = 0, 0
TEXTS[6, 5] = 1
QUERY = np.zeros([1, makers.WIDTH], np.float32)
QUERY[0, 5], QUERY[0, 3] = 0.8, 0.6


def told(product, members=None, required=None, **request):
  counts = makers.candidates(ORDERS, 8)
  features = Features(SHOP, makers.unit(8, 8), TEXTS)
  rows = makers.padded([[product]])
  of_set = None if members is None else tf.constant([[members]])
  must = None if required is None else makers.padded([required])
  found = reasons(rows, of_set, must, makers.request(**request), features, counts)
  return KINDS[found.kinds[0, 0]], int(found.partner[0, 0]), float(found.count[0, 0])


@pytest.mark.parametrize(
  ("given", "right"),
  [
    ({"basket": [[0]]}, ("basket", 0, 10)),
    ({"basket": [[2, 0]]}, ("basket", 0, 10)),
    ({"basket": [[4]]}, ("popular", -1, 0)),  # with what lies in every order it is by chance
    ({"history": [[0, 4]]}, ("history", 0, 10)),
    ({"history": [[1, 0, 1]], "days": [[1, 1, 9]]}, ("again", 1, 2)),  # two own orders
    ({"history": [[1, 1]], "days": [[3, 3]]}, ("again", 1, 1)),  # one order
    ({"members": [1, 0, -1]}, ("set", 0, 10)),
    ({"members": [1, 5, 2]}, ("popular", -1, 0)),
    ({"required": [1]}, ("asked", -1, 0)),
    ({"required": [5]}, ("popular", -1, 0)),
    # What says the most comes first.
    ({"required": [1], "basket": [[0]]}, ("asked", 0, 10)),
    ({"basket": [[0]], "history": [[1]]}, ("basket", 0, 10)),
    ({"history": [[1]], "members": [1, 0]}, ("again", 1, 1)),
    ({"history": [[0]], "members": [1, 0]}, ("history", 0, 10)),
  ],
)
def test_each_reason_and_their_order(given, right):
  assert told(1, **given) == right


def test_the_query_is_a_reason_where_the_text_reads_like_it():
  assert told(6, query=QUERY) == ("query", -1, 0)
  assert told(6, query=QUERY, basket=[[5]])[0] == "query", "no order holds both"
  assert told(3, query=QUERY, basket=[[2]]) == ("basket", 2, 5)
  assert told(2, query=QUERY)[0] == "popular", "its text has nothing of the query"
  weak = QUERY * 0.3
  assert told(6, query=weak, history=[[6]])[0] == "again"
  assert told(6, query=weak)[0] == "query", "where nothing else holds, somewhat like it is enough"


def test_pads_have_no_reason():
  assert told(-1, basket=[[0]]) == ("", -1, 0)
