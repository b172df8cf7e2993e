"""BERT outside training for very many texts: one layer compiled by XLA, which all layers and all steps of a length share."""

from collections.abc import Callable
from typing import Any

from tfrec_combo.base.stack import keras, tf


def layerwise(backbone: Any) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
  """(tokens [S, T] int32, mask [S, T] bool) -> token states [S, T, W].

  BERT's layers are alike but for their weights, so one compiled layer that is given them serves all: a whole BERT takes XLA six
  times as long to compile for each shape [S, T], which then pays only after tens of thousands of texts.
  """
  embedded = keras.Model(backbone.input, backbone.get_layer("embeddings_dropout").output)
  layers = backbone.transformer_layers

  @tf.function(jit_compile=True, autograph=False)
  def layer(weights: list[tf.Tensor], rest: list[tf.Tensor], states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return layers[0].stateless_call(weights, rest, states, padding_mask=mask, training=False)[0]

  def states_of(tokens: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    mask = tf.cast(mask, tf.int32)
    named = {"token_ids": tokens, "segment_ids": tf.zeros_like(tokens), "padding_mask": mask}
    states = embedded(named, training=False)
    for each in layers:
      weights, rest = (
        [tf.convert_to_tensor(v.value) for v in part]
        for part in (each.trainable_variables, each.non_trainable_variables)
      )
      states = layer(weights, rest, states, mask)
    return states

  return states_of
