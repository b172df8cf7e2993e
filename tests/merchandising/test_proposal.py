"""The synthetic shop's list: known complements on top, substitutes never paired, and what merchandisers decided holds."""

import itertools
import json
import re

import numpy as np
import polars as pl
import pytest

from tests.evaluation.made import table
from tests.merchandising.made import catalogue, shop
from tfrec_combo.base.errors import DataError
from tfrec_combo.merchandising import report
from tfrec_combo.merchandising.choose import ACCEPTED, PINNED, Limits
from tfrec_combo.merchandising.lists import read
from tfrec_combo.merchandising.mine import rules
from tfrec_combo.merchandising.pictures import laid_out
from tfrec_combo.merchandising.proposal import COLUMNS, Decided, Log, propose

LIMITS = Limits(30, 0.5, 3)


@pytest.fixture(scope="module")
def found():
  log, products, _, _ = shop()
  return propose(log, products, rules(products), LIMITS)


def pairs(bundles):
  return [pair for bundle in bundles for pair in itertools.combinations(bundle, 2)]


def test_known_complements_come_out_on_top_and_substitutes_are_never_paired(found):
  _, _, complements, substitutes = shop()
  right = [b in complements[a] for a, b in pairs(found.bundles)]
  assert len(found.bundles) == LIMITS.count
  assert np.mean(right) >= 0.95
  assert all(b in complements[a] for a, b in pairs(found.bundles[:10]))
  assert not any(b in substitutes[a] for a, b in pairs(found.bundles))


def test_substitutes_without_categories_are_told_by_their_words():
  log, products, complements, substitutes = shop()
  bare = products.with_columns(category=pl.lit(""))
  found = propose(log, bare, rules(bare), LIMITS).bundles
  assert not any(b in substitutes[a] for a, b in pairs(found))
  assert np.mean([b in complements[a] for a, b in pairs(found)]) >= 0.95


def test_every_row_says_what_the_orders_do(found):
  log, products, _, _ = shop()
  ids, known = products["product_id"].to_list(), log.known
  once = np.bincount(known.indices, minlength=len(ids))
  assert found.table.columns == list(COLUMNS)
  for row, bundle in zip(found.table.iter_rows(named=True), found.bundles):
    whole = int((np.asarray(known[:, list(bundle)].sum(axis=1)).ravel() == len(bundle)).sum())
    later = int((np.asarray(log.held_out[:, list(bundle)].sum(axis=1)).ravel() == len(bundle)).sum())
    share = once[list(bundle)] / known.shape[0]
    assert (row["orders"], row["held_out"]) == (whole, later)
    assert row["products"] == ",".join(ids[i] for i in bundle)
    assert row["lift"] == pytest.approx(whole / known.shape[0] / share.prod())
    assert row["confidence"] == pytest.approx(whole / once[list(bundle)].min())
    assert row["price"] == pytest.approx(sum(products["price"][i] for i in bundle), abs=0.006)
    assert row["extra"] == pytest.approx((row["take_up"] - 1000 * share.prod()) * (len(bundle) - 1))
  assert found.table["extra"].is_sorted(descending=True)
  assert found.table["status"].unique().to_list() == ["proposed"]


def test_a_least_lift_holds_for_what_is_proposed(found):
  log, products, _, _ = shop()
  again = propose(log, products, rules(products), LIMITS, Decided(pins=[found.bundles[0]]), least_lift=20)
  assert again.table["lift"][1:].min() >= 20 > found.table["lift"].min()
  assert again.bundles[0] == found.bundles[0]


def test_the_list_was_expected_about_as_often_as_it_was_bought(found):
  (row,) = found.of_list
  assert row["low"] <= row["expected"] <= row["high"]
  assert row["sets"] == len(found.bundles)


def test_decisions_come_back_as_constraints(found, tmp_path):
  log, products, _, _ = shop()
  at = {product: row for row, product in enumerate(products["product_id"])}
  lines = found.table["products"].to_list()
  for name, text in (
    ("accept", lines[20]),
    ("ban", f"{lines[0]}\n{lines[1].split(',')[0]}"),
    ("pin", lines[25]),
  ):
    (tmp_path / name).write_text(text)
  accepted, banned, pins = (read(tmp_path / name, name, at) for name in ("accept", "ban", "pin"))
  again = propose(log, products, rules(products, banned=banned), LIMITS, Decided(accepted, pins))
  assert again.bundles[0] == accepted[0] == found.bundles[20]
  assert again.table["status"].to_list()[:2] == [ACCEPTED, PINNED]
  assert any(set(pins[0]) <= set(bundle) for bundle in again.bundles)
  assert not any(set(ban) <= set(bundle) for ban in banned for bundle in again.bundles)
  assert len(again.bundles) == LIMITS.count
  assert not again.unmet


def test_a_pin_that_nothing_mined_holds_is_made_a_bundle_or_told():
  # 4 was bought with 0 once, too little to be mined; 5 never
  orders = table([[0, 1]] * 8 + [[2, 3]] * 8 + [[0, 4]] + [[6]] * 3, 7)
  log, products = Log(orders, orders[:0], orders[:0]), catalogue(7)
  found = propose(log, products, rules(products), LIMITS, Decided(pins=[(4,), (5,), (2, 6)]))
  assert found.bundles[:2] == [(0, 4), (2, 6)]
  assert found.unmet == [(5,)]
  assert found.table["source"].to_list()[:2] == ["list", "list"]
  three = propose(log, products, rules(products, 3, 3), LIMITS, Decided(pins=[(0, 4)]))
  assert three.unmet == [(0, 4)]


def test_what_is_banned_cannot_be_accepted_or_pinned():
  log, products, _, _ = shop()
  with pytest.raises(DataError, match="must not be banned and accepted"):
    propose(log, products, rules(products, banned=[(3,)]), LIMITS, Decided(accepted=[(2, 3)]))
  with pytest.raises(DataError, match="must not be banned and pinned"):
    propose(log, products, rules(products, banned=[(2, 3)]), LIMITS, Decided(pins=[(2, 3)]))


def test_what_the_model_proposes_is_weighed_like_the_rest():
  log, products, _, substitutes = shop()
  plain = propose(log, products, rules(products), LIMITS)
  mined_one, variant = plain.bundles[3], (0, min(substitutes[0]))
  both = log.known.T @ log.known
  new = next((0, b) for b in range(1, 120) if not both[0, b] and b not in substitutes[0])
  scores = {mined_one: 2.0, tuple(sorted(variant)): 9.0, new: 1.0}
  found = propose(log, products, rules(products), LIMITS, from_model=scores)
  assert found.bundles == plain.bundles  # what no order held is expected hardly ever
  assert found.table.row(3, named=True)["source"] == "log and model"
  assert found.table.row(3, named=True)["model_score"] == 2.0
  assert found.table["model_score"].null_count() == LIMITS.count - 1
  assert found.candidates == plain.candidates + 1  # the substitutes are left out


def test_a_log_of_one_order_and_one_without_any_give_an_empty_list(tmp_path):
  products = catalogue(3)
  for orders in (table([[0]], 3), table([[0]], 3)[:0]):
    found = propose(Log(orders, orders[:0], orders[:0]), products, rules(products), LIMITS)
    assert found.bundles == []
    report.write(tmp_path, found, products, {})
    assert pl.read_csv(tmp_path / "bundles.csv").columns == list(COLUMNS)


def test_the_files_say_what_the_list_does(found, tmp_path):
  _, products, _, _ = shop()
  marked = products.with_columns(text=pl.lit("<b>") + pl.col("text"))
  report.write(tmp_path, found, marked, {"name": "a <shop>"})
  back = pl.read_parquet(tmp_path / "bundles.parquet")
  assert back.equals(found.table)
  assert pl.read_csv(tmp_path / "bundles.csv")["products"].to_list() == found.table["products"].to_list()
  members = (
    pl.read_csv(tmp_path / "bundle_products.csv").group_by("bundle_id", maintain_order=True).agg("product_id")
  )
  ids = products["product_id"].to_list()
  assert members["product_id"].to_list() == [[ids[i] for i in b] for b in found.bundles]
  told = json.loads((tmp_path / "bundles.json").read_text())
  assert told["bundles"] == 30
  assert told["calibration_of_list"][0]["sets"] == 30
  page = (tmp_path / "bundles.html").read_text()
  assert "a &lt;shop&gt;" in page
  assert "<b>" not in page.replace("&lt;b&gt;", "").partition("</head>")[2]
  assert not re.search(r"<(script|link|img)[^>]+(src|href)=", page)  # nothing comes from elsewhere
  titles = ("What goes with what", "Expected, and how unusual", "Products in common", "Expected and seen")
  assert all(title in page for title in titles)
  assert all(f"<td>{name}</td>" in page for name in found.table["bundle_id"])


def test_products_that_are_joined_lie_near_each_other():
  edges = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)]
  at = laid_out(6, edges)
  far = [np.linalg.norm(at[a] - at[b]) for a in range(3) for b in range(3, 6)]
  near = [np.linalg.norm(at[a] - at[b]) for a, b in edges]
  assert max(near) < min(far)
  assert min(near) > 0.05
  np.testing.assert_array_equal(laid_out(6, edges), at)
