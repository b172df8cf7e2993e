"""A training step that trains BERT too, beside the same towers that encode the text of every row of the batch."""

import pathlib

import numpy as np

from benchmarks.speed import households, learning
from benchmarks.speed.rows import Row, compared, in_turns
from tfrec_combo.base import files
from tfrec_combo.base.settings import Text
from tfrec_combo.base.stack import keras_nlp, tf
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers import catalogue as arrays
from tfrec_combo.towers import presets
from tfrec_combo.towers.text import TextTower
from tfrec_combo.towers.text_table import TrainedTexts
from tfrec_combo.training.assemble import Run

# Layers, heads, width: of BERT-tiny. Every row's text at once is more than the memory of this machine holds of a larger one.
LAYERS, HEADS, WIDTH = 2, 2, 128
ORDERS, HISTORY = 64, 64  # of a step


class EveryRow(TrainedTexts):
  """Encodes the text of each place of a batch, all padded to the longest; a product's vector is the mean of its places'."""

  places: tf.Tensor

  def of_products(self, rows: tf.Tensor, training: bool = False) -> tf.Tensor:
    """See `TrainedTexts.of_products`."""
    encoded = self.tower(tf.gather(self.tokens, tf.gather(self.number, self.places)), training=training)
    return tf.gather(tf.math.unsorted_segment_mean(encoded, self.places, len(self.number)), rows)


class EveryPlace(TwoTower):
  """Tells its texts which products lie where in the batch; pads are left out, to the peer's good."""

  def queries_and_positives(self, batch, words, positives, training, seed=None):
    """See `TwoTower.queries_and_positives`."""
    parts = [batch["history"][:, : self.towers.history], batch["basket"], positives]
    flat = tf.concat([tf.reshape(part, [-1]) for part in parts], 0)
    object.__setattr__(self.texts, "places", tf.boolean_mask(flat, flat >= 0))
    return super().queries_and_positives(batch, words, positives, training, seed)


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """One batch of the records, for both."""
  bert = _bert(work / "bert-tiny")
  found = []
  for mode in ("lora", "full"):
    sections = {
      "text": {"preset": bert, "mode": mode},
      "towers": {"history": HISTORY},
      "retrieval": {"batch": ORDERS, "pseudo_queries": 0.0},
    }
    run = households.run(work, quick, **sections)
    products = arrays.from_frame(catalogue(run.records))
    batch = next(
      iter(
        batches(run.records, "train", run.config, batch=ORDERS, training=True, resplit=True, history=HISTORY)
      )
    )
    tower = TextTower(run.config.text)
    ways = {
      "ours": _step(run, TwoTower(products, TrainedTexts(tower, products.texts), run.config), batch),
      "peer": _step(run, EveryPlace(products, EveryRow(tower, products.texts), run.config), batch),
    }
    taken = in_turns(ways)
    rate, rows, texts = _repeats(batch, products.texts, run.config.retrieval.targets)
    note = (
      f"{ORDERS} orders with up to {HISTORY} lines of history: {rows:,} products, {texts:,} distinct texts, "
      f"so each {rate:.2f} times. BERT of {LAYERS} layers, {WIDTH} wide, random weights."
    )
    found.append(
      compared(
        f"training step, {mode}",
        "every row's text encoded",
        taken["ours"],
        taken["peer"],
        wanted=3,
        note=note,
      )
    )
  return found


def _step(run: Run, towers: TwoTower, batch: dict[str, tf.Tensor]):
  towers.compile(optimizer=learning.optimizer(run.config.retrieval, 1000))
  towers.optimizer.build(towers.trainable_variables)
  step = tf.function(towers.train_step, reduce_retracing=True)
  return lambda: float(step(batch)["loss"])


def _repeats(batch: dict[str, tf.Tensor], texts: list[str], targets: int) -> tuple[float, int, int]:
  parts = [batch["history"], batch["basket"], batch["target"][:, :targets]]
  rows = np.concatenate([part.numpy().ravel() for part in parts])
  rows = rows[rows >= 0]
  distinct = len({texts[row] for row in rows})
  return len(rows) / distinct, len(rows), distinct


def _bert(folder: pathlib.Path) -> str:
  """A preset of random weights with the vocabulary of the default one."""
  if not (folder / "config.json").is_file():
    _, tokenizer = presets.load(Text().preset)
    made = keras_nlp.models.BertBackbone(
      vocabulary_size=tokenizer.vocabulary_size(), num_layers=LAYERS, num_heads=HEADS, hidden_dim=WIDTH,
      intermediate_dim=4 * WIDTH, dropout=0.1, max_sequence_length=128,
    )  # fmt: skip
    with files.written_aside(folder) as aside:
      made.save_to_preset(str(aside))
      tokenizer.save_to_preset(str(aside))
  return str(folder)
