"""A report as one HTML page that needs no network: styles, tables, plots and plotly's script are inside."""

import html
import itertools
import json
import pathlib
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.offline

from tfrec_combo.evaluation.parts import Code, Part, Plot, Section
from tfrec_combo.evaluation.tables import Table, facts

LONG = 60  # characters from which on a column of words is held wide enough to read
ROWS = 200  # of the figures of a plot, as words
PAGE = string.Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style</style>
<script>$script</script>
</head>
<body>
<header>
<h1>$title</h1>
<p class="lead">$lead</p>
<noscript><p class="note">Plots need JavaScript, which is inside this file; their figures can be opened below each.</p></noscript>
</header>
<nav aria-label="Sections"><ul>$links</ul></nav>
<main>
$sections
</main>
<footer></footer>
<script>$printing</script>
</body>
</html>
""")
# A plot is drawn for the width it has; on paper that is another, and back on the screen the old one again.
PRINTING = """
const redraw = width => document.querySelectorAll(".js-plotly-plot").forEach(
  plot => Plotly.relayout(plot, width ? {autosize: false, width: width} : {autosize: true, width: null}));
addEventListener("beforeprint", () => {
  document.querySelectorAll("details.section").forEach(part => { part.open = true; });
  redraw(690);
});
addEventListener("afterprint", () => redraw(0));
"""


def page(title: str, lead: str, sections: Sequence[Section]) -> str:
  """A whole page as text; everything that came from the user's data or config is escaped.

  lead: the sentence to take away.
  """
  count = itertools.count()
  return PAGE.substitute(
    title=html.escape(title),
    style=pathlib.Path(__file__).with_name("report.css").read_text(encoding="utf-8"),
    script=plotly.offline.get_plotlyjs(),
    lead=html.escape(lead),
    links="".join(f'<li><a href="#{_anchor(s)}">{html.escape(s.title)}</a></li>' for s in sections),
    sections="\n".join(_section(s, count) for s in sections),
    printing=PRINTING,
  )


def _anchor(section: Section) -> str:
  return re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")


def _section(section: Section, count: Iterable[int]) -> str:
  parts = "\n".join(_part(part, count) for part in section.parts)
  title, anchor = html.escape(section.title), _anchor(section)
  if section.folded:
    return f'<details class="section" id="{anchor}"><summary>{title}</summary>\n{parts}\n</details>'
  return f'<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{title}</h2>\n{parts}\n</section>'


def _part(part: Part, count: Iterable[int]) -> str:
  match part:
    case Table():
      return _heading(part.title, part.note) + _table(part)
    case Plot():
      return _heading(part.title, part.note) + _plot(part, next(iter(count)))
    case Code():
      return f'<pre tabindex="0">{html.escape(part.text)}</pre>'
    case str():
      return "<p>" + re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(part)) + "</p>"
  return _facts(part)


def _heading(title: str, note: str) -> str:
  said = f'<p class="note">{html.escape(note)}</p>\n' if note else ""
  return f"<h3>{html.escape(title)}</h3>\n{said}"


def _plot(plot: Plot, number: int) -> str:
  div = plot.figure.to_html(
    full_html=False,
    include_plotlyjs=False,  # it stands in the head, once
    div_id=f"plot-{number}",
    config={"displaylogo": False, "responsive": True},
  )
  title = html.escape(plot.title, quote=True)
  drawn = f'<figure class="wide" role="group" aria-label="{title}" tabindex="0"><div class="plot">{div}</div></figure>\n'
  if not plot.in_words:
    return drawn
  words = _table(_figures(plot))
  return drawn + f'<details class="data"><summary>Figures of “{title}”</summary>\n{words}\n</details>'


def _figures(plot: Plot) -> Table:
  """The points of a figure in words, for those who do not see it, or have no script."""
  rows = []
  for trace in json.loads(plot.figure.to_json())["data"]:
    for x, y in zip(_values(trace.get("x")), _values(trace.get("y"))):
      rows.append([html.unescape(str(trace.get("name", ""))), _shown(x), _shown(y)])
  names = any(row[0] for row in rows)
  head = ["series", "x", "y"] if names else ["x", "y"]
  return Table(plot.title, "", head, [row if names else row[1:] for row in rows[:ROWS]])


def _values(values: Any) -> Iterable[Any]:
  return values if isinstance(values, list) else []


def _shown(value: object) -> str:
  if isinstance(value, float):
    return f"{value:.6g}"
  return html.unescape(str(value)).replace("<br>", ", ")


def _table(table: Table) -> str:
  kind = [_kind(table, i) for i in range(len(table.head))]
  head = "".join(f"<th{k}>{_cell(cell)}</th>" for k, cell in zip(kind, table.head))
  rows = []
  for i, row in enumerate(table.rows):
    cells = "".join(f"<td{k}>{_cell(cell)}</td>" for k, cell in zip(kind, row))
    strong = ' class="strong"' if i == table.strong else ""
    rows.append(f"<tr{strong}>{cells}</tr>")
  body, name = "\n".join(rows), html.escape(table.title, quote=True)
  return (
    f'<div class="wide" role="region" aria-label="Table: {name}" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n'
    f"<tbody>\n{body}\n</tbody>\n</table></div>"
  )


def _kind(table: Table, column: int) -> str:
  if column >= table.numbers:
    return ' class="n"'
  return ' class="long"' if any(len(row[column]) > LONG for row in table.rows) else ""


def _cell(text: str) -> str:
  lines = [html.escape(line) for line in text.split("\n")]
  return lines[0] if len(lines) == 1 else "".join(f'<div class="line">{line}</div>' for line in lines)


def _facts(values: Mapping[str, object]) -> str:
  cells = "".join(
    f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in facts(values)
  )
  return f'<dl class="facts">{cells}</dl>' if cells else ""
