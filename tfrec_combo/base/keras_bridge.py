"""A Keras 3 object inside a Keras 2 model, which trains, saves, restores and exports it without seeing it."""

import functools
from collections.abc import Callable
from typing import Any

from tfrec_combo.base.stack import tf


class KerasBridge(tf.keras.layers.Layer):
  """`forward(hidden, inputs, training)` as a Keras 2 layer; `hidden = make()` is a built Keras 3 object.

  The layer owns the raw variables of `hidden` and nothing else of it. Keras 2 cannot track a Keras 3 object,
  and a `tf.Module` that does exports signatures that read variables which no restore fills. A checkpoint finds
  the weights by their order, which the same `make` repeats.

  Args:
    make: builds `hidden`; called once, in the strategy scope in which the layer is made. What is trainable is
      read from it then. Weights, and the states of random generators, become weights of this layer.
    forward: tensors in and out. `training` is a bool; `hidden` must be told of it, or its dropout stays off.

  Raises:
    ValueError: `hidden` holds no variables yet, so that its weights would escape training and saving.
  """

  def __init__(
    self, make: Callable[[], Any], forward: Callable[[Any, Any, bool], Any], name: str = "keras_bridge"
  ):
    # The hidden object has a precision of its own: nothing is cast for the policy of Keras 2.
    super().__init__(name=name, dtype="float32", autocast=False)
    hidden = make()
    if not hidden.variables:
      raise ValueError("make must return a built Keras 3 object, got one without variables; build it first")
    # A partial is opaque to the attribute tracking of tf.Module, Keras 2 and tf.train.Checkpoint.
    self._run = functools.partial(forward, hidden)
    trainable = {id(v) for v in hidden.trainable_variables}
    for i, variable in enumerate(hidden.variables):
      self.add_weight(
        name=f"variable_{i:04d}",
        shape=variable.shape,
        dtype=variable.value.dtype,
        # The raw variable says that it is trainable even where Keras 3 froze it.
        trainable=id(variable) in trainable,
        getter=functools.partial(_given, variable.value),
        autocast=False,
      )

  def call(self, inputs: Any, training: bool | None = None) -> Any:
    return self._run(inputs, bool(training))


def _given(variable: Any, **_: Any) -> Any:
  return variable
