"""Product combinations from an order log: TFRS towers, keras-nlp BERT and ScaNN, served as one SavedModel."""

import importlib
import sys

__version__ = "0.1.0"

if "tensorflow" not in sys.modules:
  # Sets Keras 2 for TFRS while it still can be set; later, only what needs TFRS says that it is too late.
  importlib.import_module("tfrec_combo.base.stack")

# Public name -> the module that holds it (`:name` where it is called otherwise there). Resolved on first
# use, so that a server never imports the trainer and --help never imports TensorFlow.
_PUBLIC = {
  "ComboError": "tfrec_combo.base.errors",
  "Config": "tfrec_combo.base.config",
  "load_config": "tfrec_combo.base.config:load",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> object:
  if name not in _PUBLIC:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
  module, _, attribute = _PUBLIC[name].partition(":")
  value = getattr(importlib.import_module(module), attribute or name)
  globals()[name] = value
  return value


def __dir__() -> list[str]:
  return sorted([*globals(), *_PUBLIC])
