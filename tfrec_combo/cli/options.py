"""Options that several commands share."""

import json
import pathlib
from typing import Annotated, Any

import typer
import yaml

from tfrec_combo.base import config as c
from tfrec_combo.base.errors import ConfigError, fault

CONFIGS = pathlib.Path(__file__).parents[1] / "configs"

ConfigOption = Annotated[
  str,
  typer.Option("--config", "-c", help="YAML config; quickstart comes along."),
]
SetOption = Annotated[
  list[str] | None,
  typer.Option("--set", metavar="KEY=VALUE", help="Overrides one setting, such as --set retrieval.epochs=2."),
]
BadRowOption = Annotated[
  str | None,
  typer.Option(
    "--on-bad-row", metavar="fail|drop", help="What to do with rows that break the data contract."
  ),
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Do it again even where nothing changed.")]


def read_config(config: str, overrides: list[str] | None = None, on_bad_row: str | None = None) -> c.Config:
  """The config that the options name.

  Raises:
    ConfigError: there is no such file or config, or an override is not KEY=VALUE.
  """
  values: dict[str, Any] = {}
  for text in overrides or []:
    key, sign, value = text.partition("=")
    if not sign or not key:
      raise ConfigError(fault("--set", "must be KEY=VALUE", text, "write it as --set retrieval.epochs=2"))
    try:
      values[key] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError):  # the latter of a date such as 2024-13-45
      raise ConfigError(
        fault("--set", "must have a YAML value", text, f"quote it: {key}={json.dumps(value)}")
      ) from None
  if on_bad_row is not None:
    values["data.on_bad_row"] = on_bad_row
  path = pathlib.Path(config)
  if not path.suffix and not path.is_file():
    path = CONFIGS / f"{config}.yaml"
    if not path.is_file():
      known = ", ".join(sorted(p.stem for p in CONFIGS.glob("*.yaml")))
      raise ConfigError(fault("--config", "must name a YAML file", config, f"or use one of: {known}"))
  return c.load(path, values)
