"""The contract of the family, a slow twin in plain Python, then known answers by hand."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tfrec_combo.base.errors import DataError
from tfrec_combo.metrics import sets as family
from tfrec_combo.metrics.beyond_accuracy import mean
from tfrec_combo.metrics.intervals import mean_interval
from tfrec_combo.metrics.sets import METRICS, Known, measured, together

PRODUCTS = 8
SHARES = ("Hit", "F1", "Jaccard", "PairRecall", "PairCoverage")  # 0 where nothing was answered
NOTHING = np.full((1, 2, 3), -1)


def orders(rows, products=PRODUCTS):
  table = sp.lil_matrix((len(rows), products))
  for number, row in enumerate(rows):
    table[number, row] = 1
  return table.tocsr()


def known(targets=((),), later=(), kinds=(-1,) * PRODUCTS, prices=(0,) * PRODUCTS, budgets=None):
  """What is known, each part by hand."""
  budgets = [0.0] * len(targets) if budgets is None else budgets
  rows = [np.array(t, int) for t in targets]
  return Known(rows, together(orders(later)), np.array(kinds), np.array(prices, float), np.array(budgets))


def value(name, answer, about, c=None):
  """A metric of one query's sets, given as lists."""
  width = max((len(s) for s in answer), default=1)
  sets = np.array([[list(s) + [-1] * (width - len(s)) for s in answer]])
  return METRICS[name](sets, about, c=c or len(answer))[0]


products = st.integers(0, PRODUCTS - 1)


@st.composite
def cases(draw):
  """A few queries' sets with empty places anywhere, and what is known of them."""
  queries, count, width = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
  answered = np.full((queries, count, width), -1)
  for one in answered.reshape(-1, width):
    row = draw(st.lists(products, max_size=width, unique=True))
    one[: len(row)] = row
    one[:] = draw(st.permutations(one.tolist()))
  lists = st.lists(products, max_size=5, unique=True)
  about = known(
    [draw(lists) for _ in range(queries)],
    draw(st.lists(lists, max_size=4)),
    draw(st.lists(st.integers(-1, 2), min_size=PRODUCTS, max_size=PRODUCTS)),
    draw(st.lists(st.integers(0, 9), min_size=PRODUCTS, max_size=PRODUCTS)),
    draw(st.lists(st.integers(0, 20), min_size=queries, max_size=queries)),
  )
  return answered, about, draw(st.integers(1, count))


def oracle(answered, about, later, query, c):
  """One query, by the definitions."""
  found = [set(one[one >= 0].tolist()) for one in answered[query, :c]]
  there, wanted = [s for s in found if s], set(about.targets[query].tolist())
  pairs = [list(itertools.combinations(sorted(s), 2)) for s in found if len(s) > 1]
  middle = lambda values, nothing: sum(values) / len(values) if values else nothing
  share = lambda right: [sum(map(right, some)) / len(some) for some in pairs]
  kinds, budget = about.kinds, about.budgets[query]
  return {
    "Hit": max([float(s == wanted) for s in there], default=0.0) if wanted else np.nan,
    "F1": max([2 * len(s & wanted) / (len(s) + len(wanted)) for s in there], default=0.0)
    if wanted
    else np.nan,
    "Jaccard": max([len(s & wanted) / len(s | wanted) for s in there], default=0.0) if wanted else np.nan,
    "PairRecall": middle(share(lambda p: set(p) <= wanted), 0.0) if len(wanted) > 1 else np.nan,
    "PairCoverage": middle(share(lambda p: any(set(p) <= o for o in later)), 0.0),
    "Substitutes": middle(share(lambda p: kinds[p[0]] == kinds[p[1]] >= 0), np.nan),
    "BudgetUse": middle([sum(about.prices[i] for i in s) / budget for s in there], np.nan)
    if budget
    else np.nan,
    "Diversity": middle([1 - len(a & b) / len(a | b) for a, b in itertools.combinations(there, 2)], np.nan),
  }


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=40)
@given(case=cases())
def test_contract(name, case):
  answered, about, c = case
  metric = METRICS[name]
  found = metric(answered, about, c=c)
  assert found.shape == (len(answered),)
  assert found.dtype == np.float64
  assert ((measured(found) >= 0) & ((measured(found) <= 1) | (name == "BudgetUse"))).all()
  # sets beyond the c-th do not count, and neither do the order of a set's members and of its empty places
  np.testing.assert_array_equal(metric(answered[:, :c], about, c=c), found)
  np.testing.assert_allclose(metric(answered[:, :, ::-1], about, c=c), found)
  # nor do the numbers that products go by: product i is now new[i]
  new = np.random.default_rng(1).permutation(PRODUCTS)
  old = np.argsort(new)
  renamed = Known(
    [new[t] for t in about.targets],
    about.together[old][:, old],
    about.kinds[old],
    about.prices[old],
    about.budgets,
  )
  np.testing.assert_allclose(metric(np.where(answered >= 0, new[answered], -1), renamed, c=c), found)
  # each query by itself
  one = Known(about.targets[-1:], about.together, about.kinds, about.prices, about.budgets[-1:])
  np.testing.assert_array_equal(metric(answered[-1:], one, c=c), found[-1:])
  # an answer of nothing is wrong where there is a right one, and has no other properties
  nothing = mean(metric(NOTHING, known([[1, 2]], budgets=[5.0]), c=2))
  assert nothing == 0 if name in SHARES else np.isnan(nothing)
  assert metric(answered[:0], known([]), c=c).shape == (0,)


@given(case=cases(), later=st.lists(st.lists(products, max_size=5, unique=True), max_size=4))
def test_every_metric_equals_the_plain_twin(case, later):
  answered, about, c = case
  about = Known(about.targets, together(orders(later)), about.kinds, about.prices, about.budgets)
  twins = [oracle(answered, about, [set(o) for o in later], q, c) for q in range(len(answered))]
  for name, metric in METRICS.items():
    np.testing.assert_allclose(metric(answered, about, c=c), [t[name] for t in twins], err_msg=name)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
@pytest.mark.parametrize(
  ("answered", "c", "word"),
  [
    ([[[1, 2]]], 2, "c must be 1 to the answered 1"),
    ([[[1, 2]]], 0, "c must be"),
    ([[[1, 2], [4, 4]]], 1, r"sets\[0, 1\] must not repeat a product, got 4"),
    ([[1, 2]], 1, "sets must be"),
    ([[[1]], [[2]]], 1, "sets must be"),
  ],
)
def test_what_cannot_be_measured_is_refused(metric, answered, c, word):
  with pytest.raises(DataError, match=word):
    metric(np.array(answered), known(), c=c)


def test_the_best_of_the_first_sets_is_what_was_found():
  about = known([[1, 2, 3]])
  answer = [[1, 2, 4], [1, 2, 3], [0]]
  assert value("F1", answer, about, c=1) == pytest.approx(4 / 6)
  assert value("Jaccard", answer, about, c=1) == pytest.approx(2 / 4)
  assert [value("Hit", answer, about, c=c) for c in (1, 2, 3)] == [0, 1, 1]
  assert value("Hit", [[1, 2, 3, 4]], about) == value("Hit", [[1, 2]], about) == 0


def test_pairs_are_found_in_the_order_asked_about_or_in_any_later_one():
  # of the pairs 01, 02, 12 the shopper took 01; somebody bought 01 and 12
  about = known([[0, 1, 5]], later=[[0, 1, 7], [1, 2], [1, 2]])
  assert value("PairRecall", [[0, 1, 2]], about) == pytest.approx(1 / 3)
  assert value("PairCoverage", [[0, 1, 2]], about) == pytest.approx(2 / 3)
  # the mean of the sets, where an empty one does not count and one of a single product has no pair
  assert value("PairCoverage", [[0, 1], [0, 2], [], [3]], about) == pytest.approx(1 / 2)
  assert value("PairCoverage", [[3]], about) == 0


def test_substitutes_are_pairs_of_one_kind():
  about = known(kinds=[0, 0, 1, 1, -1, -1, 0, 2])
  assert value("Substitutes", [[0, 1, 2, 3]], about) == pytest.approx(2 / 6)
  assert value("Substitutes", [[4, 5]], about) == 0  # of no kind, not of the same
  assert value("Substitutes", [[0, 1, 6]], about) == 1


def test_budget_use_is_a_share_and_above_one_where_it_is_broken():
  about = known([[]], prices=[3, 4, 5, 0, 0, 0, 0, 0], budgets=[10.0])
  assert value("BudgetUse", [[0, 1]], about) == pytest.approx(0.7)
  assert value("BudgetUse", [[0, 1], [0, 1, 2]], about) == pytest.approx((0.7 + 1.2) / 2)
  assert np.isnan(value("BudgetUse", [[0, 1]], known()))


def test_diversity_is_none_between_equal_sets_and_full_between_disjoint_ones():
  assert value("Diversity", [[0, 1, 2], [2, 1, 0]], known()) == 0
  assert value("Diversity", [[0, 1], [2, 3]], known()) == 1
  assert value("Diversity", [[0, 1], [1, 2]], known()) == pytest.approx(1 - 1 / 3)
  assert np.isnan(value("Diversity", [[0, 1], []], known()))


def test_values_that_are_there_have_an_interval():
  sets = np.array([[[0, 1]], [[0, 2]], [[-1, -1]], [[2, 3]]] * 10)
  about = known([()] * 40, kinds=[0, 0, 1, 1, 2, 2, 3, 3])
  found = measured(family.substitutes(sets, about, c=1))
  assert len(found) == 30  # 1, 0 and 1 of them, as often as each other
  low, high = mean_interval(found, seed=0)
  assert found.mean() == pytest.approx(2 / 3)
  assert low < 2 / 3 < high
