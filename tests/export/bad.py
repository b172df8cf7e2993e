"""Small SavedModels that each break one rule, and the good one they differ from."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests import makers
from tfrec_combo.base import stack
from tfrec_combo.base.stack import tf, tf_text
from tfrec_combo.export import warmup
from tfrec_combo.export.golden import write_golden
from tfrec_combo.retrieval.scann import ScannIndex


def spec(*shape: int | None, dtype: Any = tf.float32) -> dict[str, Any]:
  return {"x": tf.TensorSpec(shape, dtype, "x")}


def saved(
  folder: pathlib.Path,
  functions: dict[str, Callable[..., Any]],
  specs: dict[str, Any] | None = None,
  holds: dict[str, Any] | None = None,
) -> pathlib.Path:
  """Saves functions of `x` [B, 2], or of `specs`, as signatures; `holds`: what the module tracks."""
  module = tf.Module()
  for name, value in (holds or {}).items():
    setattr(module, name, value)
  traced = {n: tf.function(f).get_concrete_function(**(specs or spec(None, 2))) for n, f in functions.items()}
  options = tf.saved_model.SaveOptions(namespace_whitelist=["Scann", "TFText"])
  tf.saved_model.save(module, str(folder), signatures=traced, options=options)
  return folder


def with_requests(
  folder: pathlib.Path, functions: dict[str, Callable[..., Any]], x: np.ndarray, **more: Any
) -> pathlib.Path:
  """As `saved`, with golden and warm-up requests of `x`."""
  saved(folder, functions, **more)
  asked = {name: {"x": x} for name in functions}
  (folder / "assets.extra").mkdir()
  write_golden(folder / "assets.extra", functions, asked)
  warmup.write(folder, "small", asked, {})
  return folder


def twice(x):
  """The good one."""
  return {"y": 2 * x}


def ragged(x):
  return {"y": tf.RaggedTensor.from_tensor(x)}


def total(x):
  return {"y": tf.reduce_sum(x)}


def called_back(x):
  return {"y": tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), [None, 2])}


def trimmed(x):
  trim = tf_text.RoundRobinTrimmer(2)
  words = tf.RaggedTensor.from_tensor(x)
  return {"y": tf.ensure_shape(trim.trim([words])[0].to_tensor(shape=[None, 2]), [None, 2])}


def on_a_gpu(x):
  with tf.device("/GPU:0"):
    return {"y": 2 * x}


compiled = tf.function(lambda x: {"y": 2 * x}, jit_compile=True)


def of_the_batch(x):
  return {"y": x - tf.reduce_mean(x, axis=0, keepdims=True)}


def no_text(x):
  return {"y": tf.fill([tf.shape(x)[0]], b"\xff")}


def keras_copy(folder: pathlib.Path) -> pathlib.Path:
  """A Keras 3 layer held by the module: its copy is restored, and the signature reads the original."""
  layer = stack.load("keras").layers.Dense(2)
  layer.build([None, 2])
  return saved(folder, {"serving_default": lambda x: {"y": layer(x)}}, holds={"layer": layer})


def searchers(folder: pathlib.Path, name: str) -> pathlib.Path:
  """Two ScaNN indexes whose searchers have the shared name `name`; their own names where it is "own"."""
  built = [ScannIndex().build(makers.unit(20, 2, seed=s), [f"{s}-{i}" for i in range(20)]) for s in (0, 1)]
  for index in built if name != "own" else []:
    index._shared_name = name
  functions = {f"s{i}": lambda x, i=i: {"y": built[i].search(x, 3)[0]} for i in (0, 1)}
  return saved(folder, functions, holds={"built": built})
