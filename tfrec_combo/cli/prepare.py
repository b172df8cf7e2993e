"""`tfrec-combo prepare`: a log to TFRecord."""

from typing import Annotated

import typer

from tfrec_combo.cli.options import BadRowOption, ConfigOption, FreshOption, SetOption, read_config


def prepare(
  config: ConfigOption = "quickstart",
  overrides: SetOption = None,
  on_bad_row: BadRowOption = None,
  runner: Annotated[
    str | None,
    typer.Option(metavar="local|beam", help="Where: in this process, or as an Apache Beam pipeline."),
  ] = None,
  fresh: FreshOption = False,
) -> None:
  """Read, check and split an order log, and write it as TFRecord.

  Example: tfrec-combo prepare --config my_shop.yaml --on-bad-row drop
  """
  from tfrec_combo.cli import stages

  if runner is not None:
    overrides = [*(overrides or []), f"records.runner={runner}"]
  for name, value in stages.prepare(read_config(config, overrides, on_bad_row), fresh).items():
    typer.echo(f"{name}: {value}")
