"""From methods to signatures: named inputs, and defaults for those that a request may leave out."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tfrec_combo.base.stack import tf

Tensors = dict[str, tf.Tensor]


def spread(inputs: Tensors) -> Tensors:
  """Inputs of one batch size: one that came with a single row, as left-out ones do, holds for all."""
  batch = tf.reduce_max([tf.shape(value)[0] for value in inputs.values()])
  return {
    name: tf.broadcast_to(value, tf.concat([[batch], tf.shape(value)[1:]], 0))
    for name, value in inputs.items()
  }


def neutral(spec: tf.TensorSpec) -> tf.Tensor:
  """One row that says nothing: "" or 0."""
  shape = [1, *spec.shape[1:]]
  return tf.fill(shape, "") if spec.dtype == tf.string else tf.zeros(shape, spec.dtype)


def _named(specs: dict[str, tf.TensorSpec]) -> dict[str, tf.TensorSpec]:
  return {name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()}


def traced(function: Callable[..., Tensors], specs: dict[str, tf.TensorSpec]) -> Any:
  """The concrete function of inputs `specs`, named as TF Serving shows them."""
  return tf.function(function, autograph=False).get_concrete_function(**_named(specs))


def shared(function: Callable[..., Any], specs: dict[str, tf.TensorSpec]) -> Callable[[Tensors], Any]:
  """`function` of inputs `specs`, traced where it is first called; every graph that needs it then holds a call of that one.

  What it answers must be tensors, in lists or dicts.
  """

  @functools.cache
  def once() -> Any:
    with tf.init_scope():  # else it would belong to the trace that happens to ask first
      return traced(function, specs)

  return lambda inputs: once()(**{name: inputs[name] for name in specs})


def with_usual(
  function: Callable[..., Tensors], specs: dict[str, tf.TensorSpec], usual: dict[str, tf.Tensor]
) -> Any:
  """As `traced`; whoever asks the SavedModel may leave out the inputs in `usual`, which all come after the others in `specs`,
  and gets these.

  The exporter writes tensors that are defaults of a tf.function, not of a concrete one, into the SignatureDef. A tf.function
  is traced once where it is called and once where it is saved: so what is traced twice here is a call of what is traced once.
  """
  once = shared(function, specs)

  def call(*values: tf.Tensor) -> Tensors:
    return once(dict(zip(specs, values)))

  empty, kind = inspect.Parameter.empty, inspect.Parameter.POSITIONAL_OR_KEYWORD
  parameters = [inspect.Parameter(name, kind, default=usual.get(name, empty)) for name in specs]
  call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
  return tf.function(call, input_signature=list(_named(specs).values()), autograph=False)
