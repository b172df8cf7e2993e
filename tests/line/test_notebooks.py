"""The notebooks that serve a model run from top to bottom in the small setting, on that of the line."""

import re
import shutil

import nbformat
import pytest
import yaml

from tests import notebooks
from tests.line import shop
from tests.notebooks import text

SERVING, COMBINATIONS = notebooks.NOTEBOOKS[3:]


@pytest.fixture(scope="module")
def kernel(line, tmp_path_factory):
  """And its folder: a copy of the line's, in which they find the model they would train."""
  folder = tmp_path_factory.mktemp("notebooks")
  shutil.copytree(line.folder / "runs", folder / "runs")
  shutil.copytree(line.folder / "saved", folder / "saved_models")
  with notebooks.Kernel(folder, small=True) as made:
    yield made, folder


@pytest.fixture(scope="module")
def serving(kernel):
  return kernel[0].run(SERVING)


@pytest.fixture(scope="module")
def combinations(kernel):
  return kernel[0].run(COMBINATIONS)


@pytest.mark.parametrize("path", [SERVING, COMBINATIONS], ids=lambda path: path.stem)
def test_they_write_the_config_of_the_line(path):
  cells = nbformat.read(path, as_version=4).cells
  cell = next(c for c in cells if "config" in c.metadata.get("tags", []))
  assert yaml.safe_load(cell.source.partition("\n")[2]) == shop.SETTINGS, (
    "or each would train a model of its own"
  )


@notebooks.LONG
def test_a_swap_loses_no_request_and_the_new_version_answers(serving, kernel):
  told = re.search(
    r"(\d+) requests, (\d+) failed; the tent cost ([\d.]+), and costs ([\d.]+)", text(serving, "swap")
  )
  asked, failed, before, after = map(float, told.groups())
  assert asked > 5
  assert failed == 0
  assert after == pytest.approx(before - 60, abs=0.02)
  assert (kernel[1] / "saved_models" / "shop" / "2" / "saved_model.pb").is_file()
  labels = re.findall(r"^(stable|canary) .*: ([\d.]+)$", text(serving, "canary"), re.M)
  assert {label: float(price) for label, price in labels} == {"stable": before, "canary": after}


@notebooks.LONG
def test_both_apis_answer_alike_and_are_counted(serving):
  assert "the same products over both: True" in text(serving, "grpc")
  counts = re.findall(r'request_count\{.*status="(\w+)".*\} ([\d.]+)', text(serving, "metrics"))
  found = {status: float(count) for status, count in counts}
  assert found["INVALID_ARGUMENT"] == 1, "the request that breaks a rule"
  assert found["OK"] > 40


@notebooks.LONG
def test_what_goes_with_a_sleeping_bag_is_for_camping(serving):
  told = re.findall(r"^ +[\d.]+  (.+?) +goes with .+, in (\d+) orders$", text(serving, "client"), re.M)
  assert len(told) == 5
  assert all("camping" in name or "tent" in name for name, _ in told)
  assert min(int(orders) for _, orders in told) > 5


def test_sets_keep_to_what_was_asked(combinations):
  met = re.findall(r"^ +(\d+) +([\d.]+)  .+;.+;", text(combinations, "budget"), re.M)
  assert met
  for budget, total in met:
    assert float(total) <= float(budget)
  assert "every set has the tent: True; none has the stove: True" in text(combinations, "with")
  lines = text(combinations, "category").partition("one_per_category: 1")[2].splitlines()[1:]
  tops = [[path.split(" > ")[0].strip() for path in line.split("|")] for line in lines if line.strip()]
  assert tops
  assert all(len(set(one)) == len(one) == 3 for one in tops)
  spread = [int(n) for n in re.findall(r": (\d+)", text(combinations, "diversity").splitlines()[0])]
  assert spread == sorted(spread)
  assert spread[0] < spread[-1]


def test_where_nothing_fits_it_says_why(combinations):
  told = text(combinations, "nothing")
  statuses = re.findall(r" 0 sets, status '(\w+)'", told)
  assert statuses == ["must_include"] * 3 + ["budget", "too_few_products"]
  assert "size must be at most 4" in told


def test_ready_made_sets_for_camping_come_first(combinations):
  ranked = re.findall(r"b\d+: (.+?) +[\d.]+$", text(combinations, "ranked"), re.M)
  assert "camping" in ranked[0]


def test_a_list_for_merchandisers_is_left(combinations, kernel):
  listed = (kernel[1] / "runs" / "shop" / "bundles_proposed" / "bundles.csv").read_text().splitlines()
  assert len(listed) == 1 + 12
  assert "12 bundles, chosen from" in text(combinations, "list")


def test_a_run_prints_no_noise(combinations):
  assert not notebooks.noise(combinations)


@notebooks.LONG
def test_a_run_of_a_server_prints_no_noise(serving):
  assert not notebooks.noise(serving)
