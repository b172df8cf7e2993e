"""A SavedModel of odd signatures, for what the shop's model has none of: each type, scalars, Examples, a slow one."""

import pathlib

from tfrec_combo.base.stack import tf

SLOW = 200_000  # turns of the loop that take about a second


def _spec(shape, dtype, name):
  return tf.TensorSpec(shape, dtype, name)


class OddModel(tf.Module):
  """echo answers what it is asked; double, total, scalar, half and slow do what they say; the rest reads tf.Examples."""

  def __init__(self, factor: float):
    super().__init__()
    self.factor = tf.Variable(factor, trainable=False)

    ten = tf.constant([10.0])

    def add(x, plus=ten):
      return {"y": x + plus}

    self.add = tf.function(
      add, input_signature=[_spec([None], tf.float32, "x"), _spec([None], tf.float32, "plus")]
    )

  @tf.function(
    input_signature=[
      _spec([None], tf.int64, "i64"),
      _spec([None], tf.int32, "i32"),
      _spec([None], tf.uint8, "u8"),
      _spec([None, 2], tf.float32, "f32"),
      _spec([None], tf.float64, "f64"),
      _spec([None], tf.bool, "flag"),
      _spec([None], tf.string, "text"),
    ]
  )
  def echo(self, i64, i32, u8, f32, f64, flag, text):
    same = {"i64": i64, "i32": i32, "u8": u8, "f32": f32, "f64": f64, "flag": flag, "text": text}
    return {name: tf.identity(value) for name, value in same.items()} | {"raw_bytes": tf.identity(text)}

  @tf.function(input_signature=[_spec([None], tf.float32, "x")])
  def double(self, x):
    return {"y": x * self.factor}

  @tf.function(input_signature=[_spec([None, None], tf.string, "x")])
  def strings(self, x):
    return {"y": tf.identity(x)}

  @tf.function(input_signature=[_spec([], tf.float32, "x")])
  def scalar(self, x):
    return {"y": x * self.factor}

  @tf.function(input_signature=[_spec([None], tf.float32, "x")])
  def total(self, x):
    return {"sum": tf.reduce_sum(x)}

  @tf.function(input_signature=[_spec([None], tf.float16, "x")])
  def half(self, x):
    return {"y": x * 2}

  @tf.function(input_signature=[_spec([None], tf.int32, "n")])
  def slow(self, n):
    turns = tf.reduce_max(n)
    done = tf.while_loop(lambda i: i < turns, lambda i: (i + 1,), (tf.constant(0),), parallel_iterations=1)
    return {"done": tf.zeros_like(n) + done[0]}

  @tf.function(input_signature=[_spec([None], tf.string, "inputs")])
  def classify(self, inputs):
    x = self._x(inputs)
    return {
      "classes": tf.tile([["low", "high"]], [tf.shape(x)[0], 1]),
      "scores": tf.stack([1 - x, x], 1),
    }

  @tf.function(input_signature=[_spec([None], tf.string, "inputs")])
  def regress(self, inputs):
    return {"outputs": self._x(inputs) * self.factor}

  def _x(self, examples):
    return tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([], tf.float32, 0.0)})["x"]


NAMES = ("add", "echo", "double", "strings", "scalar", "total", "half", "slow", "classify", "regress")


def save(folder: pathlib.Path, version: int | str = 1, factor: float = 2.0) -> pathlib.Path:
  """Writes <folder>/<version>, whose `double` multiplies by `factor`; returns `folder`."""
  model = OddModel(factor)
  signatures = {name: getattr(model, name) for name in NAMES} | {"serving_default": model.double}
  target = pathlib.Path(folder) / str(version)
  tf.saved_model.save(model, str(target), signatures)
  return pathlib.Path(folder)
