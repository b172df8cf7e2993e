"""Plots of a shop and of an index: the heavy tail, where recommended places go, recall against latency."""

from collections.abc import Mapping

import plotly.graph_objects as go

from tfrec_combo.evaluation.plots import OURS, PEERS, dressed, peer_of, text
from tfrec_combo.evaluation.shop import TENTHS


def tail(found: Mapping) -> go.Figure:
  """Orders of each product by its rank, both logarithmic."""
  figure = go.Figure(
    go.Scatter(
      x=found["rank"],
      y=found["orders"],
      mode="lines",
      line_color=OURS,
      fill="tozeroy",
      fillcolor="rgba(194,65,12,.12)",
      name="orders",
      hovertemplate="product %{x:,}: %{y:,} orders<extra></extra>",
    )
  )
  figure.update_xaxes(type="log", title_text="product, by rank", dtick=1)
  figure.update_yaxes(type="log", title_text="orders with it", dtick=1)
  return dressed(figure)


def exposure(result: Mapping) -> go.Figure:
  """Share of the recommended places by popularity of the product: ours, the best peer, and what was really added."""
  found = result["exposure"]
  groups = [g for g in range(TENTHS + 1) if found["products"][g] or g < TENTHS]
  labels = [_group(g, found["products"][g]) for g in groups]
  ours, *others = found["systems"]
  peer = peer_of(result, others)
  shown = [(ours, OURS)] + ([(peer, PEERS[0])] if peer else [])
  figure = go.Figure()
  for name, colour in shown:
    shares = [found["systems"][name][g] for g in groups]
    figure.add_bar(x=labels, y=shares, name=text(name), marker_color=colour)
  truth = [found["truth"][g] for g in groups]
  figure.add_scatter(
    x=labels,
    y=truth,
    name="really added",
    mode="lines+markers",
    line={"color": "#333", "dash": "dot"},
    marker_symbol="diamond",
  )
  figure.update_yaxes(tickformat=".0%", title_text=f"share of the first {result['k']}")
  figure.update_layout(barmode="group")
  return dressed(figure, 400).update_layout(legend_y=-0.28)


def _group(number: int, products: int) -> str:
  name = (
    "never ordered"
    if number == TENTHS
    else {0: "most bought", TENTHS - 1: "least bought"}.get(number, f"{number + 1}.")
  )
  return f"{name}<br>{products:,}"


def index_curve(found: Mapping) -> go.Figure:
  """Recall against milliseconds of a query, a line for each number of leaves; the served setting stands out."""
  figure = go.Figure()
  leaves = sorted({p["leaves"] for p in found["tried"]})
  for number, colour in zip(leaves, PEERS):
    points = sorted((p for p in found["tried"] if p["leaves"] == number), key=lambda p: p["microseconds"])
    figure.add_scatter(
      x=[p["microseconds"] / 1000 for p in points],
      y=[p["recall"] for p in points],
      mode="lines+markers",
      name=f"{number:,} leaves",
      line_color=colour,
      text=[f"{p['leaves_share']:g} of the leaves, {p['reorder'] or 0:,} rows reordered" for p in points],
      hovertemplate="%{text}: recall %{y:.4f} in %{x:.3f} ms<extra></extra>",
    )
  chosen = found["chosen"]
  figure.add_scatter(
    x=[chosen["microseconds"] / 1000],
    y=[chosen["recall"]],
    mode="markers",
    name="served",
    marker={"size": 16, "symbol": "star", "color": OURS},
  )
  figure.update_xaxes(title_text="milliseconds a query, median")
  figure.update_yaxes(title_text="recall of the exact best")
  return dressed(figure, 380)
