"""Which queries fall where."""

import numpy as np
import polars as pl

from tests.evaluation.made import request
from tfrec_combo.evaluation.slices import slices_of

CATALOGUE = pl.DataFrame({"orders": [5, 0, 2, 0]})  # products 1 and 3 were never ordered


def by_name(requests, **columns):
  return {s.name: s for s in slices_of(requests, CATALOGUE.with_columns(**columns))}


def test_unseen_targets_are_kept_alone():
  found = by_name([request(target=[0, 1]), request(target=[2]), request(target=[3, 1])])["unseen_targets"]
  assert found.queries.tolist() == [0, 2]
  assert [t.tolist() for t in found.targets] == [[1], [3, 1]]


def test_histories_fall_into_thirds_by_length():
  lengths = [4, 0, 9, 1, 2, 5, 0, 8, 3, 7, 6]
  found = by_name([request(history=[0] * n) for n in lengths])
  taken = {name: sorted(lengths[q] for q in found[name].queries) for name in found if "history" in name}
  assert taken == {
    "no_history": [0, 0],
    "history_short": [1, 2, 3],
    "history_middle": [4, 5, 6],
    "history_long": [7, 8, 9],
  }
  assert "1 to 3 lines" in found["history_short"].label


def test_equal_histories_stay_together_and_every_query_is_in_one_slice():
  lengths = [3, 512, 512, 512, 512, 100, 512, 0]  # most were cut at 512
  found = by_name([request(history=[0] * n) for n in lengths])
  assert found["history_long"].queries.tolist() == [1, 2, 3, 4, 6]
  parts = [found[n].queries for n in ("no_history", "history_short", "history_middle", "history_long")]
  assert sorted(np.concatenate(parts).tolist()) == list(range(8))


def test_query_text_splits_the_requests():
  found = by_name([request(query="tea"), request(), request(query="cake")])
  assert found["query"].queries.tolist() == [0, 2]
  assert found["no_query"].queries.tolist() == [1]


def test_slices_without_queries_are_there_and_empty():
  found = by_name([request(target=[0])])
  empty = {name for name, s in found.items() if not len(s.queries)}
  assert empty == {"unseen_targets", "history_short", "history_middle", "history_long", "query"}


def test_targets_of_a_category_count_alone():
  asked = [request(target=[0, 1]), request(target=[2]), request(target=[3, 0])]
  names = pl.Series(["Food > Tea", "Food > Jam", "", "Home > Cup"])
  found = by_name(asked, category=names)
  food, home = found["category Food"], found["category Home"]
  assert food.queries.tolist() == [0, 2]
  assert [t.tolist() for t in food.targets] == [[0, 1], [0]]
  assert [t.tolist() for t in home.targets] == [[3]]
  assert list(found)[-2:] == ["category Food", "category Home"], "the one with the most targets first"
  assert not [n for n in by_name(asked, category=pl.Series(["Food"] * 4)) if n.startswith("category")]
