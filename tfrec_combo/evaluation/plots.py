"""The plots of a report, one function each, from the result of `score` and the facts of a run."""

import html
import itertools
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tfrec_combo.evaluation.tradeoff import KINDS, line

OURS, INK = "#c2410c", "#1c1917"
# the peers' colours: told apart in grey print and by the colour-blind (Okabe and Ito 2008)
PEERS = ("#0072b2", "#56b4e9", "#009e73", "#b8a200", "#cc79a7", "#7f7f7f", "#332288", "#000000")
HEIGHT = 340


def systems(result: Mapping) -> go.Figure:
  """Mean and 95 % interval of NDCG and Recall at the headline k, a row a system."""
  return bars(result, [f"{metric}@{result['k']}" for metric in ("NDCG", "Recall")])


def bars(result: Mapping, titles: Sequence[str]) -> go.Figure:
  """Mean and 95 % interval of some metrics, named as `result` has them, a row a system."""
  names = list(result["systems"])
  figure = make_subplots(
    rows=1, cols=len(titles), subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.04
  )
  for column, title in enumerate(titles, 1):
    cells = [result["systems"][name][title] for name in names]
    above, below = zip(*[whiskers(c) for c in cells])
    bars = go.Bar(
      x=[c["mean"] for c in cells],
      y=[text(name) for name in names],
      orientation="h",
      marker_color=colours(names),
      error_x={
        "type": "data",
        "array": above,
        "arrayminus": below,
        "color": "#333",
        "thickness": 1.2,
        "width": 4,
      },
      text=[f"{c['mean']:.4f}" for c in cells],
      insidetextanchor="start",
      textposition="inside",
      constraintext="none",
      hovertemplate="%{y}: %{x:.4f}<extra></extra>",
      showlegend=False,
    )
    figure.add_trace(bars, row=1, col=column)
  figure.update_yaxes(autorange="reversed")
  return dressed(figure, 120 + 34 * len(names))


def by_k(result: Mapping) -> go.Figure:
  """Recall and NDCG by k, a line a system."""
  names, ks = list(result["systems"]), result["ks"]
  figure = make_subplots(rows=1, cols=2, subplot_titles=("Recall@k", "NDCG@k"), horizontal_spacing=0.08)
  for column, metric in enumerate(("Recall", "NDCG"), 1):
    for name, colour in zip(names, colours(names)):
      means = [result["systems"][name][f"{metric}@{k}"]["mean"] for k in ks]
      figure.add_trace(_line(ks, means, name, colour, legend=column == 1), row=1, col=column)
  figure.update_xaxes(tickvals=ks, title_text="k")
  return dressed(figure)


def tradeoff(found: Mapping) -> go.Figure:
  """NDCG against diversity, novelty and popularity lift, a line a setting, its weights beside the points."""
  k = found["k"]
  axes = {"Diversity": "diversity of texts", "Novelty": "novelty, bits", "Lift": "popularity lift"}
  figure = make_subplots(rows=1, cols=len(axes), shared_yaxes=True, horizontal_spacing=0.04)
  for column, (name, title) in enumerate(axes.items(), 1):
    for kind, colour in zip(KINDS, (OURS, PEERS[0])):
      points = line(found, kind)
      x, y = ([p[f"{metric}@{k}"] for p in points] for metric in (name, "NDCG"))
      trace = _line(x, y, f"setting: {kind}", colour, legend=column == 1)
      trace.update(
        mode="lines+markers+text", text=[f"{p[kind]:g}" for p in points], textposition="top center"
      )
      figure.add_trace(trace, row=1, col=column)
    figure.update_xaxes(title_text=f"{title} @{k}", row=1, col=column)
  figure.update_yaxes(title_text=f"NDCG@{k}", col=1)
  return dressed(figure, 400)


def slices(result: Mapping) -> go.Figure:
  """Recall at the headline k in every slice that has queries, a dot a system; ours and the best peer with 95 % intervals."""
  metric = f"Recall@{result['k']}"
  shown = [s for s in result["slices"].values() if s["n"]]
  names = list(result["systems"])
  best = peer_of(result, names[1:])
  labels = [f"{text(s['label'])} ({s['n']:,})" for s in shown]
  figure = go.Figure()
  for name, colour in reversed(list(zip(names, colours(names)))):  # ours last, so on top
    cells = [s["systems"][name][metric] for s in shown]
    above, below = zip(*[whiskers(c) for c in cells])
    bold = name in (names[0], best)
    figure.add_scatter(
      name=text(name),
      x=[c["mean"] for c in cells],
      y=labels,
      mode="markers",
      marker={"color": colour, "size": 11 if bold else 7, "symbol": "circle" if bold else "circle-open"},
      error_x={
        "array": above,
        "arrayminus": below,
        "color": colour,
        "thickness": 1.4,
        "width": 4,
        "visible": bold,
      },
      hovertemplate="%{y}: %{x:.4f}",
    )
  figure.update_yaxes(autorange="reversed")
  figure.update_xaxes(title_text=metric, rangemode="tozero")
  figure.update_layout(legend_traceorder="reversed")
  height = 190 + 36 * len(shown)
  return dressed(figure, height).update_layout(legend_y=-70 / (height - 120))


def training(history: Mapping[str, Mapping[str, Sequence[float]]]) -> go.Figure:
  """Losses (left) and held-out metrics (right) by epoch, a row a part of the model; no pane without a curve."""
  sides = {"loss": lambda name: "loss" in name, "held out": lambda name: "loss" not in name}
  parts = [part for part in history if history[part]]
  panes = [[(part, what, list(filter(of, history[part]))) for what, of in sides.items()] for part in parts]
  columns = [i for i in range(len(sides)) if any(row[i][2] for row in panes)] or [0]
  panes = [[row[i] for i in columns] for row in panes]
  rows = max(len(parts), 1)
  figure = make_subplots(
    rows=rows,
    cols=len(columns),
    specs=[[{} if names else None for _, _, names in row] for row in panes] or None,
    subplot_titles=[f"{text(part)}: {what}" for row in panes for part, what, names in row if names],
    horizontal_spacing=0.1,
    vertical_spacing=0.3 / rows,
  )
  for at, row in enumerate(panes, 1):
    for column, (part, _, names) in enumerate(row, 1):
      for name, colour in zip(names, itertools.cycle([OURS, *PEERS])):
        values = list(history[part][name])
        line = _line(list(range(1, len(values) + 1)), values, f"{part}: {name}", colour, legend=True)
        figure.add_trace(line, row=at, col=column)
  longest = max([len(v) for part in parts for v in history[part].values()], default=1)
  figure.update_xaxes(tickformat="d", **({"dtick": 1} if longest <= 12 else {}))
  figure.update_xaxes(title_text="epoch", row=rows)
  several = any(len(names) > 1 for row in panes for _, _, names in row)
  return dressed(figure, 60 + 210 * rows).update_layout(showlegend=several)


def timings(seconds: Mapping[str, float]) -> go.Figure:
  """Seconds of each step, in the order they ran."""
  figure = go.Figure(
    go.Bar(
      x=list(seconds.values()),
      y=[text(step) for step in seconds],
      orientation="h",
      marker_color=PEERS[0],
      text=[f"{s:,.1f} s" for s in seconds.values()],
      textposition="auto",
    )
  )
  figure.update_yaxes(autorange="reversed")
  figure.update_xaxes(title_text="seconds")
  return dressed(figure, 120 + 30 * len(seconds))


def _line(x: Sequence, y: Sequence, name: str, colour: str, legend: bool) -> go.Scatter:
  marks = {"mode": "lines+markers", "line_color": colour, "showlegend": legend}
  return go.Scatter(x=x, y=y, name=text(name), legendgroup=text(name), **marks)


def whiskers(cell: Mapping) -> tuple[float, float]:
  """How far the interval of a cell reaches above and below its mean."""
  if cell["low"] is None:
    return 0.0, 0.0  # one query has no interval
  return cell["high"] - cell["mean"], cell["mean"] - cell["low"]


def colours(names: Sequence[str]) -> list[str]:
  """Ours first, then the peers."""
  return [OURS] + [PEERS[i % len(PEERS)] for i in range(len(names) - 1)]


def text(value: object) -> str:
  """`value` as plotly shows it letter by letter: it reads tags in labels."""
  return html.escape(str(value))


def peer_of(result: Mapping, others: Sequence[str]) -> str | None:
  """The best peer by the headline metric, if there is one."""
  metric = f"NDCG@{result['k']}"
  return max(others, key=lambda name: result["systems"][name][metric]["mean"], default=None)


def dressed(figure: go.Figure, height: int = HEIGHT) -> go.Figure:
  """`figure` in the style of every report."""
  figure.update_layout(
    template="plotly_white",
    height=height,
    margin={"l": 10, "r": 10, "t": 40, "b": 10},
    font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
    legend={"orientation": "h", "yanchor": "top", "y": -0.24},
  )
  figure.update_yaxes(automargin=True)
  figure.update_xaxes(automargin=True)
  return figure
