"""Notebooks run from top to bottom in the small setting, and each is saved with the outputs of a full run.

Those that serve the line's model are run in tests/line.
"""

import json
import re

import nbformat
import pytest
import yaml

from tests import notebooks, pictures
from tests.notebooks import outputs, text
from tests.towers.tiny_bert import tiny_wheel

MOST_BYTES = 1_000_000
QUICKSTART, OWN_DATA, FINE_TUNING, *_ = notebooks.NOTEBOOKS
EACH = pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)
# How far vectors of the shop's titles move while each mode trains.
KEEP = """
kept, made = {}, assemble.two_tower
def keep(run):
  model, tower, products = made(run)
  kept[run.config.text.mode] = tower, tower.encode(tf.constant(titles[:8])).numpy()
  return model, tower, products
assemble.two_tower = keep
"""
MOVED = """
import json
moved = lambda tower, before: float(abs(tower.encode(tf.constant(titles[:8])).numpy() - before).max())
print(json.dumps({mode: moved(*one) for mode, one in kept.items()}))
"""


def sets(notebook, tag):
  """Total and prices of each set in a table of sets."""
  found, prices = [], []
  for price, total in re.findall(
    r"│ p\d{4} │ .+? +│ +([\d.]+) │|│ total +│ +([\d.]+) │", text(notebook, tag)
  ):
    if total:
      found, prices = [*found, (float(total), prices)], []
    else:
      prices = [*prices, float(price)]
  return found


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
  folder = tmp_path_factory.mktemp("notebook")
  return notebooks.execute(QUICKSTART, folder, small=True), folder


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
  """Of 02 and 03, with a tiny BERT; and their folder."""
  folder, wheels = tmp_path_factory.mktemp("notebooks"), tiny_wheel(tmp_path_factory.mktemp("wheels"))
  with notebooks.Kernel(folder, small=True, first=[wheels]) as made:
    yield made, folder


@pytest.fixture(scope="module")
def own_data(kernel):
  return kernel[0].run(OWN_DATA)


@pytest.fixture(scope="module")
def fine_tuning(kernel):
  """The notebook, and how far the vectors of each text mode moved."""
  notebook = kernel[0].run(FINE_TUNING, before={"compared": KEEP})
  return notebook, json.loads(kernel[0].ask(MOVED))


def test_quickstart_answers_with_sets_within_the_budget_and_with_scores(quickstart):
  notebook, _ = quickstart  # a cell that fails has raised
  found = sets(notebook, "combinations")
  assert found
  for total, prices in found:
    assert len(prices) == 3
    assert sum(prices) == pytest.approx(total, abs=0.03)
    assert total <= 400
  ours = re.search(r"tfrec_combo +│ +([\d.]+)", text(notebook, "scores"))
  assert ours
  assert float(ours[1]) > 0.4, "of 120 products the ten best hold most of what was added"


def test_quickstart_leaves_a_model_and_a_report(quickstart):
  _, folder = quickstart
  assert (folder / "saved_models" / "small" / "1" / "saved_model.pb").is_file()
  assert (folder / "runs" / "small" / "evaluation" / "report.html").is_file()


@notebooks.LONG
def test_own_columns_are_understood(own_data):
  told = text(own_data, "init")
  config = yaml.safe_load(told[told.index("# Proposed") : told.index("written to")])
  products, events = (config["data"][table]["columns"] for table in ("products", "events"))
  assert (products["product_id"], products["price"]) == ("sku", "shelf_price")
  assert products["category"] == ["department", "aisle"]
  assert (events["user_id"], events["order_id"], events["timestamp"]) == (
    "loyalty_card",
    "receipt_no",
    "printed_at",
  )


@notebooks.LONG
def test_own_data_is_answered_within_the_budget_and_served_with_reasons(own_data, kernel):
  asked = sets(own_data, "ask")
  assert asked
  for total, prices in asked:
    assert len(prices) == 3
    assert sum(prices) == pytest.approx(total, abs=0.03)
    assert total <= 400
  served = re.findall(
    r"set \d, ([\d.]+) in all\n +([\d.]+)  (.+)\n +([\d.]+)  (.+)", text(own_data, "served")
  )
  assert served
  for total, one, why, other, why_too in served:
    assert float(one) + float(other) == pytest.approx(float(total), abs=0.02)
    assert float(total) <= 150
    assert all(
      re.search(r"goes with .+|fits the words|popular|bought before", reason) for reason in (why, why_too)
    )
  assert (kernel[1] / "runs" / "my_shop" / "evaluation" / "report.html").is_file()
  assert not notebooks.noise(own_data)


def test_lora_trains_a_little_of_bert_and_full_all_of_it(fine_tuning):
  notebook, moved = fine_tuning
  costs = re.findall(r"^(frozen|lora|full) +([\d,]+) +([\d,]+) ", text(notebook, "costs"), re.M)
  trained, of_bert = ({row[0]: int(row[i].replace(",", "")) for row in costs} for i in (1, 2))
  assert of_bert["frozen"] == 0 < of_bert["lora"] < of_bert["full"] / 10
  assert len({trained[mode] - of_bert[mode] for mode in trained}) == 1, "the towers are the same"
  assert moved["frozen"] == 0
  assert min(moved["lora"], moved["full"]) > 1e-5
  recalls = re.findall(r"^(towers|frozen|lora|full), .+? ([\d.]+) +([\d.]+)$", text(notebook, "cold"), re.M)
  assert [mode for mode, *_ in recalls] == ["towers", "frozen", "lora", "full"]
  assert all(0 < float(everything) <= 1 for _, everything, _ in recalls)


def test_runs_print_no_noise(quickstart, fine_tuning):
  assert [notebooks.noise(notebook) for notebook in (quickstart[0], fine_tuning[0])] == [[], []]


@EACH
def test_the_saved_notebook_shows_a_whole_run(path):
  notebook = nbformat.read(path, as_version=4)
  nbformat.validate(notebook)
  assert path.stat().st_size < MOST_BYTES
  assert not [o for o in outputs(notebook) if o.output_type == "error"]
  assert not notebooks.noise(notebook)
  counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
  assert counts == list(range(1, len(counts) + 1)), "run from top to bottom, and saved as it was run"
  tags = [t for c in notebook.cells for t in c.metadata.get("tags", [])]
  assert tags
  assert len(set(tags)) == len(tags)
  for tag in tags:
    assert text(notebook, tag).strip(), tag


@EACH
def test_every_plot_has_a_picture_and_words_for_where_it_cannot_be_drawn(path):
  notebook = nbformat.read(path, as_version=4)
  drawn = [o.data for o in outputs(notebook) if pictures.PLOT in o.get("data", {})]
  assert len(drawn) >= 3
  for data in drawn:
    assert data["text/plain"].strip()
    assert data["image/png"]
    assert data[pictures.PLOT]["data"]
