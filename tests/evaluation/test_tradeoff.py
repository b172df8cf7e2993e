"""The curve by hand, and how it is shown."""

import json

import numpy as np
import polars as pl
import pytest

from tests.evaluation.made import request
from tfrec_combo.evaluation.report import write_report
from tfrec_combo.evaluation.score import score
from tfrec_combo.evaluation.sections import sections
from tfrec_combo.evaluation.tradeoff import WEIGHTS, curve, line, settings

CATALOGUE = pl.DataFrame({"orders": [9, 5, 4, 1], "category": ["A", "A", "B", "B"]})
REQUESTS = [request(target=[0], history=[0, 1]), request(target=[1], history=[3])]


@pytest.fixture(scope="module")
def found():
  # the more is asked for, the fewer targets stand first and the rarer products do
  ranked = {s: np.array([[0, 1], [1, 0]] if max(s) < 0.5 else [[3, 2], [1, 3]]) for s in settings()}
  return curve(ranked, REQUESTS, CATALOGUE, 2)


def test_settings_raise_one_weight_at_a_time_from_the_models_own_order():
  assert settings()[0] == (0, 0)
  assert all(0 in s for s in settings())
  assert len(set(settings())) == len(settings()) == 2 * len(WEIGHTS) - 1
  assert (WEIGHTS[0], WEIGHTS[-1]) == (0, 1)


def test_points_hold_accuracy_beside_what_it_was_traded_for(found):
  assert (found["queries"], found["k"], len(found["points"])) == (2, 2, len(settings()))
  first, last = found["points"][0], found["points"][-1]
  assert (first["NDCG@2"], last["NDCG@2"], last["HR@2"]) == (1, 0.5, 0.5)
  assert (first["Variety@2"], last["Variety@2"]) == (0, 0.5)
  assert last["Novelty@2"] > first["Novelty@2"]
  # bought: 7 and 1 orders on the mean; shown: 7 and 7
  assert first["Lift@2"] == pytest.approx(14 / 8 - 1)
  assert first["Diversity@2"] is None  # no vectors were given


def test_a_line_is_of_one_kind_by_rising_weight(found):
  for kind in ("diversity", "novelty"):
    assert [p[kind] for p in line(found, kind)] == list(WEIGHTS)


def test_the_report_shows_it_where_there_is_one(found, tmp_path):
  result = score({"ours": np.array([[0, 1], [1, 0]])}, REQUESTS, CATALOGUE, (2,), seed=0)
  assert "Accuracy traded" not in [s.title for s in sections(result, {})]
  result["tradeoff"] = found
  (traded,) = (s for s in sections(result, {}) if s.title == "Accuracy traded")
  drawn, table = traded.parts
  assert table.rows[0][:3] == ["0", "0", "1.0000"]
  assert len(table.rows) == len(settings())
  assert {len(row) for row in table.rows} == {len(table.head)}
  for trace in drawn.figure.data:
    assert list(trace.y) == [1.0 if w < 0.5 else 0.5 for w in WEIGHTS]
  assert list(drawn.figure.data[2].x) == [p["Novelty@2"] for p in line(found, "diversity")]
  write_report(tmp_path, result, {})
  assert json.loads((tmp_path / "report.json").read_text())["result"]["tradeoff"] == found
  assert "Accuracy traded" in (tmp_path / "report.html").read_text()
