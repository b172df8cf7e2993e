"""What is served: TF Serving's model config file, and the one-model form of the command line."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tfrec_combo.base.errors import ConfigError, fault
from tfrec_combo.serving.server.storage import Policy


@dataclasses.dataclass(frozen=True)
class Served:
  """One model: its name in URLs, its folder of versions, which of them, and labels that name some."""

  name: str
  base: pathlib.Path
  policy: Policy = dataclasses.field(default_factory=Policy)
  labels: Mapping[str, int] = dataclasses.field(default_factory=dict)


def read(path: pathlib.Path) -> dict[str, Served]:
  """The models of a text file that holds a ModelServerConfig, by name.

  Raises:
    ConfigError: it cannot be read or breaks a rule of the format.
  """
  try:
    text = path.read_text(encoding="utf-8")
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
  except (OSError, UnicodeDecodeError, text_format.ParseError) as e:
    reason = " ".join(str(e).split())[:200]
    way_out = "write `model_config_list { config { name: ... base_path: ... } }`"
    raise ConfigError(
      fault("--model-config-file", "must hold a text-format ModelServerConfig", reason, way_out)
    ) from None
  return models(config)


def models(config: Any) -> dict[str, Served]:
  """The models of a ModelServerConfig message, by name.

  Raises:
    ConfigError: a name or path is missing or doubled, a version is negative, or the config is of another kind.
  """
  if config.WhichOneof("config") != "model_config_list":
    got = config.WhichOneof("config") or "nothing"
    raise ConfigError(fault("model config", "must be a model_config_list", got, "name the models one by one"))
  found: dict[str, Served] = {}
  for one in config.model_config_list.config:
    served = _model(one)
    if served.name in found:
      raise ConfigError(fault("name", "must be of one model only", served.name, "rename one"))
    found[served.name] = served
  return found


def _model(one: Any) -> Served:
  if not one.name or "/" in one.name or ":" in one.name:
    raise ConfigError(fault("name", "must be given, without / and :", one.name, "it stands in URLs"))
  if not one.base_path:
    raise ConfigError(fault("base_path", "must be given", one.base_path, f"name the folder of {one.name}"))
  if one.model_platform not in ("", "tensorflow"):
    raise ConfigError(
      fault("model_platform", "must be tensorflow", one.model_platform, "only SavedModels are served")
    )
  policy, kind = Policy(), one.model_version_policy.WhichOneof("policy_choice")
  if kind == "all":
    policy = Policy(latest=None)
  elif kind == "latest":
    policy = Policy(latest=one.model_version_policy.latest.num_versions or 1)
  elif kind == "specific":
    numbers = tuple(one.model_version_policy.specific.versions)
    if not numbers or min(numbers) < 0:
      raise ConfigError(fault("versions", "must be whole numbers", list(numbers), "name at least one"))
    policy = Policy(specific=numbers)
  return Served(one.name, pathlib.Path(one.base_path), policy, dict(one.version_labels))
