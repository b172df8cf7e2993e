"""The peers of each benchmark, built from what it lets learn from."""

import pathlib
from collections.abc import Iterator

from benchmarks.quality import bundlerec
from benchmarks.quality.peers.ease import ease
from benchmarks.quality.peers.scored import blend, given
from benchmarks.quality.peers.text import Encode, Texts
from benchmarks.quality.problem import Problem
from benchmarks.sets import rules
from benchmarks.sets.peers import MMR, First, Greedy, SetPeer
from tfrec_combo.evaluation.knn import BasketCosine
from tfrec_combo.evaluation.peers import DECAYED, FREQUENCY, HALF_LIFE, bought
from tfrec_combo.evaluation.shelf import Shelf

# Of MMR: of .5, .7, .8, .9, .95 and 1 on inner problems of both domains .9 is within .006 of the best F1; below, it falls.
TRADE = 0.9
# Of 1e-3, 5e-4, 2e-4, 1e-4 and 5e-5 the best for the peer on November (PairRecall .0168; 2e-4: .0125): 6 of its baskets.
SUPPORT = 5e-5
LONGEST, CONFIDENCE = 3, 0.01


def peers(name: str, folder: pathlib.Path, found: Problem, encode: Encode) -> Iterator[SetPeer]:
  """Those of benchmark `name`, the plain ones first."""
  return (_bundlerec if name == "bundlerec" else _complete_journey)(folder, found, encode)


def _bundlerec(folder: pathlib.Path, found: Problem, encode: Encode) -> Iterator[SetPeer]:
  encode(sorted({r.query for r in found.requests if r.query}))  # at once: by need takes minutes
  shelf = Shelf(found.orders)
  texts = Texts(shelf, found.texts or [], encode)
  linear = ease(shelf.columns(found.orders), given(shelf), bundlerec.RIDGE)
  words = texts.cosine(titles=1, words=bundlerec.INTENT)
  titles = blend((1, linear), (bundlerec.TEXT, texts.cosine()))
  scorer = blend((1, linear), (bundlerec.TEXT, words))
  yield First("popular", shelf, lambda chunk: 0 * given(shelf)(chunk))
  yield Greedy("greedy ItemKNN", shelf, BasketCosine(shelf, found.orders, shrink=0.0))
  yield Greedy("greedy EASE", shelf, linear)
  yield Greedy("greedy EASE + 0.3 MiniLM, titles", shelf, titles)
  yield Greedy("greedy EASE + 0.3 MiniLM, titles and intent", shelf, scorer)
  yield First("top k of EASE + 0.3 MiniLM, titles and intent", shelf, scorer)
  yield MMR("MMR of EASE + 0.3 MiniLM, titles and intent", shelf, scorer, texts.vectors, TRADE)


def _complete_journey(folder: pathlib.Path, found: Problem, encode: Encode) -> Iterator[SetPeer]:
  shelf = Shelf(found.orders)
  neighbours = BasketCosine(shelf, found.orders)
  yield First("popular", shelf, lambda chunk: 0 * given(shelf)(chunk))
  if rules.available():
    scorer = rules.rules(shelf, found.orders, SUPPORT, LONGEST, CONFIDENCE)
    yield First("association rules (mlxtend)", shelf, scorer)
    yield Greedy("greedy association rules (mlxtend)", shelf, scorer)
  yield First("top k of ItemKNN", shelf, neighbours)
  yield Greedy("greedy ItemKNN", shelf, neighbours)
  habits = blend(
    (1, neighbours),
    (FREQUENCY, lambda chunk: bought(shelf, chunk).log1p()),
    (DECAYED, lambda chunk: bought(shelf, chunk, HALF_LIFE).log1p()),
  )
  yield First("top k of ItemKNN + personal + decay", shelf, habits)
  yield Greedy("greedy ItemKNN + personal + decay", shelf, habits)
