"""What a report is made of: sections of tables, plots, facts and words, the same ones for HTML and Markdown."""

import dataclasses
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from tfrec_combo.evaluation.tables import Table


@dataclasses.dataclass(frozen=True)
class Plot:
  """A figure below its title; `note` says how to read it. in_words: its points are worth a table for those who do not see it."""

  title: str
  figure: go.Figure
  note: str = ""
  in_words: bool = True


@dataclasses.dataclass(frozen=True)
class Code:
  """Text that is shown letter by letter; `language` is for Markdown."""

  text: str
  language: str = "yaml"


Part = Table | Plot | Code | Mapping[str, object] | str


@dataclasses.dataclass(frozen=True)
class Section:
  """A heading and what stands below it, in order; `folded` ones open at a click."""

  title: str
  parts: Sequence[Part]
  folded: bool = False
