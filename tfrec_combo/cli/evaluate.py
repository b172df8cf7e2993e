"""`tfrec-combo evaluate`: the SavedModel beside its peers on held-out orders."""

import functools
import pathlib
from typing import Annotated

import typer

from tfrec_combo.cli.options import ConfigOption, SetOption, read_config
from tfrec_combo.cli.output import Answer


def evaluate(
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  model: Annotated[
    str | None, typer.Option(metavar="FOLDER", help="A model's folder; none: the config's newest export.")
  ] = None,
  tradeoff: Annotated[
    int | None,
    typer.Option(
      metavar="ORDERS", help="Ask so many again at each setting of diversity and novelty: the curve."
    ),
  ] = None,
) -> Answer:
  """Rank held-out orders through the SavedModel, beside the peers, and write the report.

  Example: tfrec-combo evaluate --config my_shop.yaml --tradeoff 1000

  Example: tfrec-combo evaluate --config my_shop.yaml --set evaluation.orders=1000
  """
  from tfrec_combo.cli import stages
  from tfrec_combo.cli.scores import show
  from tfrec_combo.serving.model import newest_version

  asked = [] if tradeoff is None else [f"evaluation.tradeoff={tradeoff}"]
  settings = read_config(config, [*(overrides or []), *asked])
  folder = newest_version(model or pathlib.Path(settings.export.folder) / settings.name)
  result, report = stages.evaluate(settings, folder), settings.run_dir / "evaluation"
  value = {"model": str(folder), "report": str(report / "report.html"), "result": result}
  return Answer(value, functools.partial(show, result, report))
