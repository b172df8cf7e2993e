"""A plot in a notebook: drawn where the front end can, told in characters where it cannot."""

import sys

import plotly.graph_objects as go

BLOCKS = "▁▂▃▄▅▆▇█"


def show(figure: go.Figure) -> None:
  """Puts a plot among the outputs of the running cell, in JupyterLab, VS Code and Colab."""
  from IPython.display import display

  if "google.colab" in sys.modules:  # reads no plotly output, and draws one of its own making
    figure.show()
    return
  plot = {"application/vnd.plotly.v1+json": figure.to_plotly_json(), "text/plain": words(figure)}
  display(plot, raw=True)


def words(figure: go.Figure) -> str:
  """A line of blocks a curve, a number a horizontal bar; the title where there is nothing of the kind."""
  titles = [a.text for a in figure.layout.annotations]
  lines = []
  for i, trace in enumerate(figure.data):
    name = trace.name or (titles[i] if i < len(titles) else trace.type)
    numbers = [v for v in (trace.y if "y" in trace and trace.y is not None else ()) if _number(v)]
    if trace.type == "bar" and trace.orientation == "h":
      lines += [f"{name:<12} {label:<28} {value:,.4g}" for label, value in zip(trace.y, trace.x)]
    elif numbers and len(numbers) == len(trace.y):
      low, high = min(numbers), max(numbers)
      blocks = "".join(BLOCKS[round(7 * (v - low) / ((high - low) or 1))] for v in numbers)
      lines.append(f"{name:<28} {blocks}  {low:,.4g} to {high:,.4g}")
  return "\n".join(lines) or figure.layout.title.text or "a plot"


def _number(value: object) -> bool:
  return hasattr(value, "__float__") and value == value
