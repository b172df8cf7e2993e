"""The Keras contract, and the heavy libraries by short name: `from tfrec_combo.base.stack import tf, tfrs`.

TensorFlow Recommenders is Keras 2 only and keras-nlp is Keras 3 only. Both live in one process when
TF_USE_LEGACY_KERAS=1 stood before TensorFlow was imported, so importing this module sets it, or says clearly that it
is too late. Each name checks the pinned versions it needs before it imports anything: ScaNN's op library fits one
TensorFlow minor, and a mismatch found later is an undefined symbol that takes TensorFlow Recommenders down with it.
"""

import importlib
import os
import sys
from typing import Any

from tfrec_combo.base import pins
from tfrec_combo.base.errors import StackError

_TF = ("tensorflow", "tf-keras")
# Short name -> module, and the distributions whose exact versions it stands on.
_MODULES: dict[str, tuple[str, tuple[str, ...]]] = {
  "tf": ("tensorflow", _TF),
  "tf_keras": ("tf_keras", _TF),
  "tf_text": ("tensorflow_text", (*_TF, "tensorflow-text")),
  "tfds": ("tensorflow_datasets", (*_TF, "tensorflow-datasets")),
  "scann": ("scann", (*_TF, "scann")),
  "scann_ops": ("scann.scann_ops.py.scann_ops", (*_TF, "scann")),
  "tfrs": ("tensorflow_recommenders", (*_TF, "scann", "tensorflow-recommenders")),
  "keras": ("keras", (*_TF, "keras")),  # Keras 3; `tf.keras` is Keras 2
  "keras_nlp": ("keras_nlp", (*_TF, "keras", "keras-hub", "keras-nlp", "tensorflow-text", "safetensors")),
}


def _keep_contract() -> None:
  tensorflow = sys.modules.get("tensorflow")
  # TensorFlow reads the variable once, at its import; the variable may have changed since.
  legacy = getattr(tensorflow, "_tf_uses_legacy_keras", os.environ.get("TF_USE_LEGACY_KERAS") == "1")
  if tensorflow is not None and not legacy:
    raise StackError(
      "TensorFlow was imported before tfrec_combo without TF_USE_LEGACY_KERAS=1, so tf.keras is Keras 3 and"
      " TensorFlow Recommenders cannot load; restart Python and import tfrec_combo.base.stack first, or set"
      " TF_USE_LEGACY_KERAS=1 beforehand"
    )
  keras = sys.modules.get("keras")
  backend = keras.config.backend() if keras is not None and hasattr(keras, "config") else "tensorflow"
  if backend != "tensorflow":
    raise StackError(
      f"Keras 3 was imported before tfrec_combo with the backend {backend!r}, and keras-nlp must run on TensorFlow"
      " here; restart Python and import tfrec_combo.base.stack first, or set KERAS_BACKEND=tensorflow"
    )
  os.environ["TF_USE_LEGACY_KERAS"] = "1"
  os.environ["KERAS_BACKEND"] = "tensorflow"
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


_keep_contract()


def load(name: str) -> Any:
  """The module behind a short name, imported once its pinned versions have been checked.

  Raises:
    StackError: a distribution it stands on is missing or of another version, or its op library does not load.
  """
  module, needs = _MODULES[name]
  if module in sys.modules:
    return sys.modules[module]
  pins.require(needs, module)
  try:
    return importlib.import_module(module)
  except Exception as e:  # an op library that does not fit is tf.errors.NotFoundError, not ImportError
    if not isinstance(e, (ImportError, OSError)) and type(e).__name__ != "NotFoundError":
      raise
    wanted = " ".join(f'"{n}=={pins.pins()[n]}"' for n in needs)
    cause = " ".join(str(e).split())[:200]
    raise StackError(
      f"{module} does not load although its versions are right ({cause});"
      f" run `python -m pip install --force-reinstall --no-deps {wanted}`"
    ) from e


def __getattr__(name: str) -> Any:
  if name not in _MODULES:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  value = load(name)
  globals()[name] = value
  return value
