"""`tfrec-combo train`: TFRecord to trained weights."""

from typing import Annotated

import typer

from tfrec_combo.cli.options import ConfigOption, SetOption, read_config


def train(
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  resume: Annotated[bool, typer.Option(help="Go on after the last whole epoch of a killed run.")] = True,
) -> None:
  """Train the two towers and the ranking task on what `prepare` wrote.

  Example: tfrec-combo train --config my_shop.yaml --set retrieval.epochs=8
  """
  from tfrec_combo.cli import stages

  stages.train(read_config(config, overrides), resume)
