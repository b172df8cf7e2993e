"""The BERT text tower: texts to unit vectors, with tokenizer and weights in the graph."""

import functools
from collections.abc import Callable
from typing import Any

from tfrec_combo.base.errors import ConfigError, fault
from tfrec_combo.base.keras_bridge import KerasBridge
from tfrec_combo.base.settings import Text
from tfrec_combo.base.stack import keras, tf
from tfrec_combo.towers import presets
from tfrec_combo.towers.text_layers import layerwise


class TextTower(tf.keras.layers.Layer):
  """vector = unit(mean over tokens of BERT(tokens)).

  Masked mean pooling as in Sentence-BERT (Reimers and Gurevych, 2019). A text without words gives the zero
  vector. The output is float32 under every precision policy; in the training modes BERT itself computes in
  the policy that is set when the tower is made.

  Args:
    config: `preset`, `tokens` (T), `mode` and `lora_rank` are read here. Mode `frozen` trains nothing, `lora`
      low-rank additions to the query and value projections (Hu et al., 2021), `full` everything.

  Attributes:
    width: W, of the vectors.
    mode, tokens: of the config.
    pad: the token behind a text's last.
    fingerprint: of the preset's weights and vocabulary.
    texts_cut: distinct texts that the last `text_cache.encode_all` cut at T tokens.

  Raises:
    ConfigError, StackError: the preset cannot be had, or reads fewer tokens than T.
  """

  def __init__(self, config: Text, name: str = "text_tower"):
    super().__init__(name=name, dtype="float32", autocast=False)
    self.config, self.mode, self.tokens = config, config.mode, config.tokens
    self.fingerprint, self.texts_cut = presets.fingerprint(config.preset), 0
    policy = tf.keras.mixed_precision.global_policy().name
    backbone, tokenizer = presets.load(config.preset, "float32" if config.mode == "frozen" else policy)
    if config.tokens > backbone.max_sequence_length:
      rule = f"must be at most {backbone.max_sequence_length}, what the preset {config.preset} reads"
      raise ConfigError(fault("text.tokens", rule, config.tokens, "lower it, or choose another preset"))
    self.width = backbone.hidden_dim
    self.pad = tokenizer.pad_token_id
    self.bert = KerasBridge(lambda: _encoder(backbone, config), _states, name="bert")
    # In eager mode the tokenizer would take its slow path in Python. The partials keep it untracked.
    pack = tf.function(
      functools.partial(_pack, tokenizer, config.tokens),
      input_signature=[tf.TensorSpec([None], tf.string)],
      autograph=False,
    )
    self._pack = functools.partial(_call, pack)
    self._layerwise = functools.partial(layerwise, backbone)

  def tokenize(self, texts: tf.Tensor) -> tf.Tensor:
    """texts: [S] string -> [S, T] int32 with [CLS] and [SEP], cut at T and padded on the right with [PAD]."""
    return self._pack(texts)[0]

  def tokenize_counted(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`tokenize`, and the tokens [S] int32 that each text has before it is cut."""
    return self._pack(texts)

  def call(self, tokens: tf.Tensor, training: bool | None = None) -> tf.Tensor:
    """tokens: [S, <= T] int32, padded on the right -> [S, W] float32 unit vectors."""
    rows, static = tf.shape(tokens)[0], tokens.shape[0]
    # One row of padding in place of none: an addition in BERT refuses an empty batch.
    tokens = tf.pad(tokens, [[0, tf.maximum(1 - rows, 0)], [0, 0]], constant_values=self.pad)
    lengths = tf.reduce_sum(tf.cast(tokens != self.pad, tf.int32), axis=1)
    # Columns that are padding in every row change nothing and cost as much as words.
    tokens = tokens[:, : tf.maximum(tf.reduce_max(lengths), 1)]
    mask = tokens != self.pad
    dropout = (
      bool(training) and self.mode != "frozen"
    )  # frozen vectors are the same in training and outside it
    vectors = _pooled(self.bert((tokens, mask), training=dropout), mask)
    vectors = tf.ensure_shape(vectors[:rows], [static, self.width])
    return tf.stop_gradient(vectors) if self.mode == "frozen" else vectors

  def encode(self, texts: tf.Tensor, training: bool | None = None) -> tf.Tensor:
    """texts: [S] string -> [S, W] float32 unit vectors."""
    return self(self.tokenize(texts), training=training)

  def compiled(self) -> Callable[[tf.Tensor], tf.Tensor]:
    """`call` outside training, for many steps of few shapes: tokens [S, T] int32 -> [S, W], each shape compiled once by XLA."""
    states_of = self._layerwise()

    # Traced once for all shapes; XLA sees them as they come.
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False)
    def encode(tokens: tf.Tensor) -> tf.Tensor:
      mask = tokens != self.pad
      return _pooled(states_of(tokens, mask), mask)

    return encode

  def get_config(self) -> dict[str, Any]:
    return {"name": self.name, "config": self.config.model_dump(mode="json")}

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "TextTower":
    return cls(Text(**config["config"]), name=config["name"])


def _pooled(states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
  kept = tf.cast(mask, tf.float32)
  summed = tf.reduce_sum(tf.cast(states, tf.float32) * kept[..., None], axis=1)
  vectors = tf.math.l2_normalize(summed, axis=-1)  # of the sum: the mean has the same direction
  return vectors * tf.cast(tf.reduce_sum(kept, axis=1) > 2, tf.float32)[:, None]  # more than [CLS] and [SEP]


def _encoder(backbone: Any, config: Text) -> Any:
  # Only what reaches the token states: the pooler would be trained by no gradient and exported for no reader.
  encoder = keras.Model(backbone.input, backbone.output["sequence_output"])
  backbone.trainable = config.mode != "frozen"
  if config.mode == "lora":
    backbone.enable_lora(config.lora_rank)
    for variable in backbone.trainable_variables:  # it leaves the biases beside the kernels trainable
      variable.trainable = variable.name.startswith("lora_")
  return encoder


def _states(encoder: Any, inputs: tuple[tf.Tensor, tf.Tensor], training: bool) -> tf.Tensor:
  tokens, mask = inputs
  named = {"token_ids": tokens, "segment_ids": tf.zeros_like(tokens), "padding_mask": tf.cast(mask, tf.int32)}
  return encoder(named, training=training)


def _pack(tokenizer: Any, length: int, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
  # Not keras-nlp's preprocessor: its RoundRobinTrim is absent from TF Serving before 2.20.
  pieces = tokenizer.tokenize(texts)
  lengths = tf.cast(pieces.row_lengths(), tf.int32)
  body = tf.cast(pieces.to_tensor(default_value=tokenizer.pad_token_id, shape=[None, length - 2]), tf.int32)
  tokens = tf.pad(body, [[0, 0], [1, 1]], constant_values=tokenizer.pad_token_id)
  place = tf.range(length)
  tokens = tf.where(place == 0, tokenizer.cls_token_id, tokens)
  end = tf.minimum(lengths, length - 2) + 1
  return tf.where(place == end[:, None], tokenizer.sep_token_id, tokens), lengths + 2


def _call(function: Any, texts: tf.Tensor) -> Any:
  return function(texts)
