"""The Keras contract, and the heavy libraries by short name: `from tfrec_combo.base.stack import tf, tfrs`.

TensorFlow Recommenders is Keras 2 only and keras-nlp is Keras 3 only. Both live in one process when
TF_USE_LEGACY_KERAS=1 stood before TensorFlow was imported, so importing this module sets it, or says clearly
that it is too late. Each name checks the pinned versions it needs before it imports anything: ScaNN's op
library fits one TensorFlow minor, and a mismatch found later is an undefined symbol that takes TensorFlow
Recommenders down with it.
"""

import importlib
import os
import pathlib
import platform
import sys
from typing import Any

from tfrec_combo.base import pins, presets
from tfrec_combo.base.errors import StackError
from tfrec_combo.base.settings import Text

_TF = ("tensorflow", "tf-keras")
# Short name -> module, and the distributions whose exact versions it stands on.
_MODULES: dict[str, tuple[str, tuple[str, ...]]] = {
  "tf": ("tensorflow", _TF),
  "tf_session": ("tensorflow.python.client.pywrap_tf_session", _TF),
  "tf_keras": ("tf_keras", _TF),
  "tf_text": ("tensorflow_text", (*_TF, "tensorflow-text")),
  "tfds": ("tensorflow_datasets", (*_TF, "tensorflow-datasets")),
  "scann": ("scann", (*_TF, "scann")),
  "scann_ops": ("scann.scann_ops.py.scann_ops", (*_TF, "scann")),
  "prediction_log": ("tensorflow_serving.apis.prediction_log_pb2", (*_TF, "tensorflow-serving-api")),
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
      " TensorFlow Recommenders cannot load; restart Python and import tfrec_combo first, or set"
      " TF_USE_LEGACY_KERAS=1 beforehand"
    )
  keras = sys.modules.get("keras")
  backend = keras.config.backend() if keras is not None and hasattr(keras, "config") else "tensorflow"
  if backend != "tensorflow":
    raise StackError(
      f"Keras 3 was imported before tfrec_combo with the backend {backend!r}, and keras-nlp must run on"
      " TensorFlow; restart Python and import tfrec_combo first, or set KERAS_BACKEND=tensorflow"
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
    cause = f"{type(e).__name__}: {' '.join(str(e).split())[:200]}"
    raise StackError(
      f"{module} does not load although its versions are right ({cause}); run `{_reinstall(needs)}`"
    ) from e


def check() -> list[pins.Finding]:
  """Everything the stack stands on, in the order to mend it: Python, versions, op libraries, preset, devices.

  Versions are read from metadata. TensorFlow is imported afterwards, and only when they are right.
  """
  findings = [_python(), *pins.versions()]
  if all(f.ok for f in findings):
    findings += [_loads("tf_text"), _loads("scann_ops"), _loads("tfrs"), _loads("keras_nlp")]
  else:
    mend = "mend the versions above, then run `tfrec-combo doctor` again"
    findings.append(pins.Finding("op libraries", "not tried", "load", False, mend))
  findings.append(_preset())
  if all(f.ok for f in findings[:-1]):
    findings.append(_devices())
  return findings


def _python() -> pins.Finding:
  wanted = pins.python_wanted()
  got = platform.python_version()
  ok = wanted.contains(got)
  return pins.Finding("python", got, str(wanted), ok, "" if ok else "make clean install PYTHON=python3.12")


def _loads(name: str) -> pins.Finding:
  module, needs = _MODULES[name]
  what = "import " + module.partition(".")[0]
  try:
    load(name)
  except StackError as e:
    return pins.Finding(what, str(e), "loads", False, _reinstall(needs))
  return pins.Finding(what, "loads", "loads", True)


def _reinstall(names: tuple[str, ...]) -> str:
  return pins.pip_install(f"--force-reinstall --no-deps {pins.quoted(names)}")


def _preset() -> pins.Finding:
  preset = Text().preset
  try:
    folder = presets.resolve(preset)
  except StackError as e:
    return pins.Finding("BERT preset", str(e), preset, False, presets.install_command(preset))
  return pins.Finding("BERT preset", folder, preset, True)


def _devices() -> pins.Finding:
  tf = load("tf")
  counts = {kind: len(tf.config.list_physical_devices(kind)) for kind in ("CPU", "GPU")}
  found = ", ".join(f"{n} {kind}" for kind, n in counts.items())
  # A driver without a GPU in TensorFlow means that the CUDA libraries are not installed beside it.
  if not counts["GPU"] and pathlib.Path("/proc/driver/nvidia/version").exists():
    mend = pins.pip_install(f'"tensorflow[and-cuda]=={pins.pins()["tensorflow"]}"')
    return pins.Finding(
      "devices", f"{found}, but an NVIDIA driver is there", "the GPU in TensorFlow", False, mend
    )
  return pins.Finding("devices", found, "at least 1 CPU", True)


def __getattr__(name: str) -> Any:
  if name not in _MODULES:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  value = load(name)
  globals()[name] = value
  return value
