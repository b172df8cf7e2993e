"""A plot told in characters, and what a cell puts out."""

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tfrec_combo.evaluation import shown


def test_a_curve_is_blocks_and_a_horizontal_bar_is_a_number():
  figure = go.Figure()
  figure.add_scatter(x=[1, 2, 3], y=[0, 7, 3.5], name="loss")
  figure.add_bar(x=[0.25, 1234.5], y=["ours", "theirs"], orientation="h", name="NDCG")
  curve, ours, theirs = shown.words(figure).splitlines()
  assert curve.split() == ["loss", "▁█▅", "0", "to", "7"]
  assert ours.split() == ["NDCG", "ours", "0.25"]
  assert theirs.split() == ["NDCG", "theirs", "1,234"]


def test_a_curve_that_does_not_move_and_one_without_a_name():
  figure = make_subplots(1, 2, subplot_titles=("Left", "Right"))
  figure.add_bar(y=[2, 2])
  figure.add_bar(y=[1, 3], row=1, col=2)
  assert [line.split()[:2] for line in shown.words(figure).splitlines()] == [["Left", "▁▁"], ["Right", "▁█"]]


def test_what_cannot_be_told_gives_its_title():
  figure = go.Figure(go.Heatmap(z=[[1, 2], [3, 4]]))
  figure.add_scatter(x=[0, 1, None], y=[0, None, 1])
  assert shown.words(figure) == "a plot"
  assert shown.words(figure.update_layout(title_text="Products in common")) == "Products in common"


def test_a_cell_puts_out_the_plot_and_its_words(monkeypatch):
  import IPython.display

  seen = []
  monkeypatch.setattr(IPython.display, "display", lambda data, raw: seen.append((data, raw)))
  shown.show(go.Figure(go.Scatter(y=[1, 2], name="loss")))
  ((data, raw),) = seen
  assert raw
  assert data["application/vnd.plotly.v1+json"]["data"][0]["y"] == [1, 2]
  assert data["text/plain"].startswith("loss")
