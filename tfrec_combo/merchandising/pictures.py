"""How the bundles of a list relate: the plots of its page."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from tfrec_combo.evaluation.plots import OURS, PEERS
from tfrec_combo.merchandising.choose import ACCEPTED, PINNED, PROPOSED
from tfrec_combo.merchandising.proposal import Proposal

COLOURS = {PROPOSED: OURS, PINNED: PEERS[0], ACCEPTED: PEERS[2]}
HEIGHT, SHORT = 440, 28  # pixels; characters of a product's name
NETWORK = "What goes with what"
STEPS = 150  # of the layout


def figures(found: Proposal, texts: Sequence[str]) -> list[tuple[str, go.Figure]]:
  """Title and figure of each plot there is data for. texts: of the catalogue's products."""
  if not found.bundles:
    return []
  shown = [(NETWORK, network(found, texts)), ("Expected, and how unusual", expected(found))]
  if len(found.bundles) > 1:
    shown.append(("Products in common", common(found)))
  if found.calibration:
    shown.append(("Expected and seen in held-out orders", calibration(found)))
  return shown


def network(found: Proposal, texts: Sequence[str]) -> go.Figure:
  """Products as dots, the products of a bundle joined by lines."""
  products = sorted({row for bundle in found.bundles for row in bundle})
  place = {row: i for i, row in enumerate(products)}
  edges = [(place[a], place[b]) for bundle in found.bundles for i, a in enumerate(bundle) for b in bundle[:i]]
  at = laid_out(len(products), edges)
  figure = go.Figure()
  for row, bundle in zip(found.table.iter_rows(named=True), found.bundles):
    lines = [(place[a], place[b]) for i, a in enumerate(bundle) for b in bundle[:i]]
    x, y = ([v for a, b in lines for v in (at[a, axis], at[b, axis], None)] for axis in (0, 1))
    figure.add_scatter(
      x=x,
      y=y,
      mode="lines",
      line={"color": COLOURS[row["status"]], "width": 1 + min(row["take_up"], 6)},
      opacity=0.45,
      hoverinfo="skip",
      showlegend=False,
    )
  times = np.bincount([place[row] for bundle in found.bundles for row in bundle], minlength=len(products))
  names = [html.escape(texts[row]) for row in products]
  figure.add_scatter(
    x=at[:, 0],
    y=at[:, 1],
    mode="markers+text",
    marker={"size": (8 + 4 * times).tolist(), "color": "#1c1917"},
    text=[name if len(name) <= SHORT else name[: SHORT - 1] + "…" for name in names],
    textposition="top center",
    textfont={"size": 10},
    customdata=times.tolist(),
    hovertext=names,
    hovertemplate="%{hovertext}<br>in %{customdata} of the bundles<extra></extra>",
    showlegend=False,
  )
  figure.update_xaxes(visible=False).update_yaxes(visible=False)
  return _dressed(figure, 640)


def expected(found: Proposal) -> go.Figure:
  """Expected orders against lift, a dot a bundle, larger the more it costs."""
  figure = go.Figure()
  rows = list(found.table.iter_rows(named=True))
  dearest = max((row["price"] or 0 for row in rows), default=0) or 1
  for status, colour in COLOURS.items():
    part = [row for row in rows if row["status"] == status]
    if part:
      figure.add_scatter(
        x=[row["take_up"] for row in part],
        y=[row["lift"] for row in part],
        mode="markers+text",
        name=status,
        text=[row["bundle_id"] for row in part],
        textposition="middle right",
        hovertext=[html.escape(row["texts"]) for row in part],
        hovertemplate="%{hovertext}<br>%{x:.2f} of 1,000 orders, lift %{y:.1f}<extra>%{text}</extra>",
        marker={"color": colour, "size": [8 + 14 * ((row["price"] or 0) / dearest) ** 0.5 for row in part]},
      )
  figure.update_xaxes(title_text="expected orders of 1,000")
  figure.update_yaxes(title_text="lift", type="log")
  return _dressed(figure)


def common(found: Proposal) -> go.Figure:
  """The share of products that two bundles have in common, of the smaller one's."""
  sets, names = [set(b) for b in found.bundles], found.table["bundle_id"].to_list()
  share = [[len(a & b) / min(len(a), len(b)) if a is not b else None for b in sets] for a in sets]
  figure = go.Figure(
    go.Heatmap(
      z=share,
      x=names,
      y=names,
      zmin=0,
      zmax=1,
      colorscale=[[0, "#fafaf9"], [1, OURS]],
      hovertemplate="%{x} and %{y}: %{z:.0%}<extra></extra>",
    )
  )
  figure.update_yaxes(autorange="reversed")
  return _dressed(figure, min(900, 160 + 18 * len(sets)))


def calibration(found: Proposal) -> go.Figure:
  """Expected against seen orders a set, in bins of everything mined, with 95 % intervals; right on the line is right."""
  rows = found.calibration[:-1] if len(found.calibration) > 1 else found.calibration
  x, y = [row["expected"] for row in rows], [row["seen"] for row in rows]
  most = max(*x, *(row["high"] for row in rows), 1e-9)
  figure = go.Figure()
  figure.add_scatter(
    x=[0, most], y=[0, most], mode="lines", line={"color": "#a8a29e", "dash": "dot"}, name="right"
  )
  figure.add_scatter(
    x=x,
    y=y,
    mode="markers",
    marker={"color": OURS, "size": 9},
    error_y={
      "type": "data",
      "array": [row["high"] - row["seen"] for row in rows],
      "arrayminus": [row["seen"] - row["low"] for row in rows],
      "color": "#333",
      "thickness": 1.2,
    },
    customdata=[row["sets"] for row in rows],
    hovertemplate="%{customdata:,} sets: expected %{x:.2f}, seen %{y:.2f}<extra></extra>",
    name="mined sets",
  )
  figure.update_xaxes(title_text=f"expected in {found.held_out:,} orders, a set")
  figure.update_yaxes(title_text="seen, a set")
  return _dressed(figure)


def laid_out(nodes: int, edges: Sequence[tuple[int, int]]) -> np.ndarray:
  """[nodes, 2] places at which what is joined is near and the rest apart (Fruchterman, Reingold 1991), from a circle."""
  turn = 2 * np.pi * np.arange(nodes) / max(nodes, 1)
  at = np.stack([np.cos(turn), np.sin(turn)], axis=1)
  rows, columns = np.array(edges, int).reshape(-1, 2).T
  near = np.zeros((nodes, nodes))
  near[rows, columns] = near[columns, rows] = 1
  spring = 2 / np.sqrt(max(nodes, 1))
  for step in range(STEPS):
    apart = at[:, None] - at[None]
    distance = np.maximum(np.linalg.norm(apart, axis=-1), 1e-3)
    # the last term keeps parts that nothing joins on the page
    force = spring**2 / distance**2 - near * distance / spring - 0.02
    move = (apart * force[..., None]).sum(axis=1)
    length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
    at = at + move / length * np.minimum(length, 0.2 * (1 - step / STEPS))
  return at


def _dressed(figure: go.Figure, height: int = HEIGHT) -> go.Figure:
  return figure.update_layout(
    height=height,
    margin={"l": 60, "r": 20, "t": 20, "b": 50},
    plot_bgcolor="#fff",
    legend={"orientation": "h", "y": 1.08},
  )
