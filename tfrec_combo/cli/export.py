"""`tfrec-combo export`: trained weights to one SavedModel."""

import typer

from tfrec_combo.cli.options import ConfigOption, SetOption, read_config


def export(config: ConfigOption = "quickstart", overrides: SetOption = None) -> None:
  """Export what `train` made as the next version of one SavedModel, checked in a fresh process first.

  Example: tfrec-combo export --config my_shop.yaml --set export.folder=/srv/models
  """
  from tfrec_combo.cli import stages

  typer.echo(stages.export(read_config(config, overrides)))
