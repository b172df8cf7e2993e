"""Which flavours an export writes, where, and over which index."""

import numpy as np
import pytest

from tests import makers
from tfrec_combo.export import flavours
from tfrec_combo.retrieval.index import ExactIndex
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex

N = 300
SHOP = makers.catalogue(N)


def config(trained, flavour=None, **sections):
  export = {"folder": "saved", **({"flavour": flavour} if flavour else {})}
  return makers.config(name="shop", retrieval={"index": trained}, export=export, **sections)


@pytest.mark.parametrize(
  ("index", "flavour", "folders"),
  [
    ("scann", None, {"scann": "shop"}),
    ("scann", "portable", {"portable": "shop-portable"}),
    ("scann", "both", {"scann": "shop", "portable": "shop-portable"}),
    ("exact", None, {"portable": "shop"}),
    ("exact", "both", {"portable": "shop", "scann": "shop-scann"}),
  ],
)
def test_each_flavour_has_its_folder_and_the_own_one_comes_first(index, flavour, folders):
  asked = config(index, flavour)
  assert {f: flavours.folder(asked, f).name for f in flavours.wanted(asked)} == folders
  assert list(folders) == list(flavours.wanted(asked))


@pytest.fixture(scope="module")
def ranker():
  return makers.ranker(SHOP, makers.block_orders(40, 10, 30, 3))


def test_the_ranker_is_over_the_flavours_index_and_then_over_its_own_again(ranker):
  own = ranker.index
  assert isinstance(own, ExactIndex)
  for flavour, kind in (("scann", ScannIndex), ("portable", PortableIndex)):
    with flavours.served_by(ranker, SHOP.ids, config("scann"), flavour) as served:
      assert isinstance(ranker.index, kind)
      assert ranker.index is served.index
      assert served.describe()["products"] == N
      query = makers.unit(4, 8, seed=3)
      np.testing.assert_array_equal(ranker.index.search(query, 1)[1], own.search(query, 1)[1])
    assert ranker.index is own
  with pytest.raises(KeyError), flavours.served_by(ranker, SHOP.ids, config("scann"), "scann"):
    raise KeyError
  assert ranker.index is own


def test_an_index_that_approximates_is_set_to_the_recall_asked_for(ranker):
  queries = makers.unit(30, 8, seed=4)
  small = config("scann", index={"exact_below": 100, "recall_target": 0.9})
  for flavour in ("scann", "portable"):
    with flavours.served_by(ranker, SHOP.ids, small, flavour, queries) as served:
      assert served.tuned.chosen.recall == pytest.approx(served.describe()["recall"], abs=1e-4)
      assert served.describe()["recall"] >= 0.9
  kept = config("scann", index={"exact_below": 100, "recall_target": None})
  with flavours.served_by(ranker, SHOP.ids, kept, "portable", queries) as served:
    usual = PortableIndex(100)
    assert served.tuned.chosen.leaves_share == served.index.leaves_share == usual.leaves_share
    assert len(served.tuned.tried) > 1, "for the curve"
  exact = config("scann", index={"recall_target": 0.9})
  with flavours.served_by(ranker, SHOP.ids, exact, "portable", queries) as served:
    assert served.tuned is None
    assert served.describe() == {"kind": "exact", "products": N}
