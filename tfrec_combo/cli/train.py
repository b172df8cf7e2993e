"""`tfrec-combo train`: TFRecord to trained weights."""

import functools
from typing import Annotated

import typer

from tfrec_combo.cli.options import ConfigOption, SetOption, read_config
from tfrec_combo.cli.output import Answer


def train(
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  resume: Annotated[bool, typer.Option(help="Go on after the last whole epoch of a killed run.")] = True,
) -> Answer:
  """Train the two towers and the ranking task on what `prepare` wrote.

  Example: tfrec-combo train --config my_shop.yaml --set retrieval.epochs=8
  """
  from tfrec_combo.cli import stages
  from tfrec_combo.cli.facts import trainings
  from tfrec_combo.cli.scores import show_trainings

  settings = read_config(config, overrides)
  stages.train(settings, resume)
  found = trainings(settings.run_dir)
  return Answer(found, functools.partial(show_trainings, found))
