"""The quickstart runs from top to bottom in the small setting, and each notebook is saved with the outputs of a full run."""

import re

import nbformat
import pytest

from tests import notebooks, pictures

MOST_BYTES = 1_000_000
# What a reader of saved outputs should never meet: folders of a machine, noise of libraries.
UNWANTED = re.compile(
  r"/home/|/root/|/tmp/|/Users/|/work/|site-packages|Warning|WARNING|Traceback|\x1b\[|^[EIWF]\d{4} ", re.M
)


QUICKSTART = notebooks.ROOT / "colab" / "01_quickstart.ipynb"
EACH = pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)


def saved(path):
  return nbformat.read(path, as_version=4)


def outputs(notebook, tag=None):
  """Outputs of the code cells, of those marked with `tag` alone if it is given."""
  cells = [c for c in notebook.cells if c.cell_type == "code"]
  return [o for c in cells if tag is None or tag in c.metadata.get("tags", []) for o in c.outputs]


def text(found):
  return "\n".join(
    o.get("text", "") + "\n".join(o.get("traceback", [])) + o.get("data", {}).get("text/plain", "")
    for o in found
  )


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
  folder = tmp_path_factory.mktemp("notebook")
  return notebooks.execute(QUICKSTART, folder, small=True), folder


def test_it_answers_with_sets_within_the_budget_and_with_scores(executed):
  notebook, _ = executed  # a cell that fails has raised
  sets = text(outputs(notebook, "combinations"))
  products = re.findall(r"│ p\d{4} │ (.+?) +│ +([\d.]+) │", sets)
  totals = [float(total) for total in re.findall(r"│ total +│ +([\d.]+) │", sets)]
  assert totals
  assert len(products) == 3 * len(totals)
  assert all(name for name, _ in products)
  assert sum(float(price) for _, price in products) == pytest.approx(sum(totals), abs=0.01 * len(products))
  assert max(totals) <= 400
  ours = re.search(r"tfrec_combo +│ +([\d.]+)", text(outputs(notebook, "scores")))
  assert ours
  assert float(ours[1]) > 0.4, "of 120 products the ten best hold most of what was added"


def test_it_leaves_a_model_and_a_report(executed):
  _, folder = executed
  assert (folder / "saved_models" / "small" / "1" / "saved_model.pb").is_file()
  assert (folder / "runs" / "small" / "evaluation" / "report.html").is_file()


def test_a_run_prints_no_noise(executed):
  assert not UNWANTED.findall(text(outputs(executed[0])))


@EACH
def test_the_saved_notebook_shows_a_whole_run(path):
  notebook = saved(path)
  nbformat.validate(notebook)
  assert path.stat().st_size < MOST_BYTES
  found = outputs(notebook)
  assert not [o for o in found if o.output_type == "error"]
  assert not UNWANTED.findall(text(found))
  counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
  assert counts == list(range(1, len(counts) + 1)), "run from top to bottom, and saved as it was run"
  tags = [t for c in notebook.cells for t in c.metadata.get("tags", [])]
  assert tags
  assert len(set(tags)) == len(tags)
  for tag in tags:
    assert text(outputs(notebook, tag)).strip(), tag


@EACH
def test_every_plot_has_a_picture_and_words_for_where_it_cannot_be_drawn(path):
  drawn = [o.data for o in outputs(saved(path)) if pictures.PLOT in o.get("data", {})]
  assert len(drawn) >= 3
  for data in drawn:
    assert data["text/plain"].strip()
    assert data["image/png"]
    assert data[pictures.PLOT]["data"]
