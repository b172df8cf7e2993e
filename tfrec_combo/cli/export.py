"""`tfrec-combo export`: trained weights to one SavedModel."""

from typing import Annotated

import typer

from tfrec_combo.base.laps import Laps
from tfrec_combo.cli.options import ConfigOption, SetOption, read_config
from tfrec_combo.cli.output import Answer, versions


def export(
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  flavour: Annotated[
    str | None,
    typer.Option(
      metavar="scann|portable|both",
      help="Over ScaNN's ops, over ops that stock TF Serving links, or each; none: as it was trained.",
    ),
  ] = None,
) -> Answer:
  """Export what `train` made as the next version of one SavedModel, checked in a fresh process first.

  Example: tfrec-combo export --config my_shop.yaml --flavour both --set export.folder=/srv/models
  """
  from tfrec_combo.cli import stages

  asked = [] if flavour is None else [f"export.flavour={flavour}"]
  laps = Laps()
  return versions(stages.export_all(read_config(config, [*(overrides or []), *asked]), laps), laps)
