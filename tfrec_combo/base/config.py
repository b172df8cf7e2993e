"""The whole run in one typed, frozen config; an unknown key is an error."""

import os
import pathlib
from typing import Annotated, Any

import pydantic
import yaml

from tfrec_combo.base.errors import ConfigError, fault
from tfrec_combo.base.settings import (
  TABLES,
  Bundles,
  Combine,
  Data,
  Evaluation,
  Export,
  Index,
  Ranker,
  Records,
  Rerank,
  Retrieval,
  Section,
  Split,
  Text,
  Towers,
  Training,
)


class Config(Section):
  """Everything one run needs. `Config()` is the quickstart's model with plain settings."""

  name: Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = (
    "shop"  # of the run, and of the model that is served
  )
  runs: str = "runs"  # run folders land in <runs>/<name>
  seed: Annotated[int, pydantic.Field(ge=0, lt=2**31)] = (
    0  # of weights, batches and all that is drawn: the same seed, the same run
  )
  data: Data = Data()
  split: Split = Split()
  records: Records = Records()
  text: Text = Text()
  towers: Towers = Towers()
  retrieval: Retrieval = Retrieval()
  ranker: Ranker = Ranker()
  rerank: Rerank = Rerank()
  combine: Combine = Combine()
  bundles: Bundles = Bundles()
  training: Training = Training()
  evaluation: Evaluation = Evaluation()
  index: Index = Index()
  export: Export = Export()

  @pydantic.model_validator(mode="after")
  def _fits(self) -> "Config":
    if max(self.evaluation.k) > self.export.k:
      raise ValueError(
        f"evaluation.k asks for {max(self.evaluation.k)} products and export.k answers {self.export.k}"
      )
    if self.ranker.folds == 1:
      raise ValueError("ranker.folds is 1, and a part is learnt on the others; give 2 or more, or 0")
    if self.ranker.folds and self.text.mode != "frozen":
      raise ValueError(
        f"ranker.folds would train the text tower in each fold; it is for text.mode frozen, got {self.text.mode}"
      )
    return self

  @property
  def run_dir(self) -> pathlib.Path:
    """The folder of this run."""
    return pathlib.Path(self.runs) / self.name


def parse(values: dict[str, Any], origin: str = "config") -> Config:
  """A checked `Config` from nested plain values; every fault in it is named at once.

  >>> parse({"retrieval": {"k": 50}}).retrieval.k
  50
  """
  try:
    return Config.model_validate(values)
  except pydantic.ValidationError as e:
    faults = []
    for error in e.errors():
      where = ".".join(str(part) for part in error["loc"])
      if error["type"] == "extra_forbidden":
        faults.append(fault(where, "is not a setting", error["input"], _way_out(error["loc"])))
      else:
        faults.append(
          fault(where, "does not hold: " + error["msg"], error["input"], "see base/settings.py for its range")
        )
    raise ConfigError(f"{origin}: " + "\n".join(faults)) from None


def _way_out(loc: tuple[int | str, ...]) -> str:
  section: Any = Config
  for part in loc[:-1]:
    annotation = section.model_fields[part].annotation if part in section.model_fields else None
    section = annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None
    if section is None:
      return "remove it"
  return "remove it or use one of: " + ", ".join(section.model_fields)


def load(path: str | os.PathLike[str], overrides: dict[str, Any] | None = None) -> Config:
  """Reads a YAML config. Paths in `data` are taken relative to the file; `overrides` are dotted keys: {"seed": 1}.

  Raises:
    ConfigError: the file is missing, is not YAML, or breaks a rule.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise ConfigError(
      fault("--config", "must name a file", str(path), "write one, or leave it out for the defaults")
    )
  try:
    values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
  except (
    yaml.YAMLError,
    ValueError,
  ) as e:  # the latter of bytes that are no UTF-8, and of a date such as 2024-13-45
    raise ConfigError(f"{path}: is not YAML: {' '.join(str(e).split())}") from None
  if not isinstance(values, dict):
    raise ConfigError(
      fault(str(path), "must hold settings by name", values, "start with a line such as `name: my_shop`")
    )
  for key, value in (overrides or {}).items():
    _set(values, key.split("."), value)
  return absolute_paths(parse(values, str(path)), path.parent)


def _set(values: dict[str, Any], keys: list[str], value: Any) -> None:
  for key in keys[:-1]:
    if not isinstance(values.get(key), dict):
      values[key] = {}
    values = values[key]
  values[keys[-1]] = value


def absolute_paths(config: Config, base: pathlib.Path) -> Config:
  """`config` with the paths of its tables taken from the folder `base`."""
  tables = {}
  for name in TABLES:
    table = getattr(config.data, name)
    if table is not None:
      tables[name] = table.model_copy(update={"path": tuple(str((base / p).resolve()) for p in table.path)})
  return config.model_copy(update={"data": config.data.model_copy(update=tables)})


def without_folders(config: Config) -> Config:
  """`config` with the bare names of its tables' files: what may leave the machine."""
  tables = {}
  for name in TABLES:
    table = getattr(config.data, name)
    if table is not None:
      tables[name] = table.model_copy(update={"path": tuple(pathlib.PurePath(p).name for p in table.path)})
  return config.model_copy(update={"data": config.data.model_copy(update=tables)})


def dump(config: Config) -> str:
  """`config` as YAML, every default spelled out."""
  return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
