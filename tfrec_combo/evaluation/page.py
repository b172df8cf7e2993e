"""A report as one HTML page that needs no network: styles, tables, plots and plotly's script are inside."""

import html
import string
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import plotly.offline

from tfrec_combo.evaluation.tables import Table, facts, headline

PAGE = string.Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { --ink: #1c1917; --soft: #78716c; --line: #e7e5e4; --ours: #c2410c; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); }
body { max-width: 1120px; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
.lead { font-size: 1.05rem; border-left: 4px solid var(--ours); padding-left: .9rem; margin: 1rem 0 1.4rem; }
.note { color: var(--soft); margin: .1rem 0 .5rem; font-size: .9rem; }
.facts { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin: .5rem 0; padding: 0; }
.facts div { display: flex; gap: .4rem; } .facts dt { color: var(--soft); } .facts dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.strong td { font-weight: 600; color: var(--ours); }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--soft); }
pre { background: #fafaf9; border: 1px solid var(--line); padding: .8rem; overflow-x: auto; }
</style>
<script>$script</script>
</head>
<body>
<h1>$title</h1>
<p class="lead">$headline</p>
$profile
$plots
$tables
$versions
$config
</body>
</html>
""")


def page(
  result: Mapping, run: Mapping, tables: Sequence[Table], plots: Sequence[tuple[str, go.Figure]]
) -> str:
  """The page of a report. Everything that came from the user's data or config is escaped."""
  return sheet(str(run.get("name", "Evaluation")), headline(result), run, tables, plots)


def sheet(
  title: str, lead: str, run: Mapping, tables: Sequence[Table], plots: Sequence[tuple[str, go.Figure]]
) -> str:
  """A whole page as text: title, the sentence to take away, facts, plots, tables; all that is given is escaped.

  run: facts, each optional: profile (flat dict), versions (package -> version), config (YAML text).
  """
  return PAGE.substitute(
    title=html.escape(title),
    script=plotly.offline.get_plotlyjs(),
    headline=html.escape(lead),
    profile=_facts(run.get("profile", {})),
    plots="\n".join(_plot(i, title, figure) for i, (title, figure) in enumerate(plots)),
    tables="\n".join(_table(table) for table in tables),
    versions=_details("Versions", _facts(run["versions"])) if run.get("versions") else "",
    config=_details("Config", f"<pre>{html.escape(run['config'])}</pre>") if run.get("config") else "",
  )


def _plot(number: int, title: str, figure: go.Figure) -> str:
  div = figure.to_html(
    full_html=False,
    include_plotlyjs=False,  # it stands in the head, once
    div_id=f"plot-{number}",
    config={"displaylogo": False, "responsive": True},
  )
  return f"<h2>{html.escape(title)}</h2>\n{div}"


def _table(table: Table) -> str:
  kind = [' class="n"' if i >= table.numbers else "" for i in range(len(table.head))]
  head = "".join(f"<th{k}>{html.escape(cell)}</th>" for k, cell in zip(kind, table.head))
  rows = []
  for i, row in enumerate(table.rows):
    cells = "".join(f"<td{k}>{html.escape(cell)}</td>" for k, cell in zip(kind, row))
    strong = ' class="strong"' if i == table.strong else ""
    rows.append(f"<tr{strong}>{cells}</tr>")
  body = "\n".join(rows)
  return (
    f'<h2>{html.escape(table.title)}</h2>\n<p class="note">{html.escape(table.note)}</p>\n'
    f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'
  )


def _facts(values: Mapping[str, object]) -> str:
  cells = "".join(
    f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in facts(values)
  )
  return f'<dl class="facts">{cells}</dl>' if cells else ""


def _details(title: str, body: str) -> str:
  return f"<details><summary>{title}</summary>{body}</details>"
