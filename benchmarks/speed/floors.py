"""What a step of the towers must do at least: its float32 operations and the bytes it must move, part by part."""

import numpy as np

from benchmarks.speed import ceilings
from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.user import HEADS

FLOAT = 4  # bytes


def of_step(batch: dict[str, tf.Tensor], towers: TwoTower) -> float:
  """Seconds: the sum over the parts of the longer of their operations and their bytes, as they follow one another.

  A part's activations are written and read once forward and once backward, a gradient is computed for each weight and each
  input but the frozen text; of padding only the places of histories count, which are of one width in a batch.
  """
  orders, wide, text = len(batch["query"]), towers.towers.dim, towers.texts.width
  positives = orders * towers.settings.targets
  targets = batch["target"][:, : towers.settings.targets]  # as many as are drawn
  read = np.unique(
    np.concatenate([part.numpy().ravel() for part in (batch["history"], batch["basket"], targets)])
  )
  rows = int((read >= 0).sum())
  places = batch["history"].numpy().size + int((batch["basket"].numpy() >= 0).sum())
  here = ceilings.here()
  joined = wide + wide // 2 + 2
  weights = sum(
    int(np.prod(v.shape)) for v in towers.trainable_variables if v is not towers.product_tower.ids
  )
  asked = 2 * HEADS * wide + wide + wide // 4
  parts = [
    # texts are read forward and backward; two of three products are needed, as nothing is learnt below them
    here.seconds(flops=2 * 2 * rows * text * wide, moved=3 * FLOAT * rows * text),
    here.seconds(
      flops=3 * 2 * rows * (joined * 2 * wide + 2 * wide * wide), moved=4 * FLOAT * rows * (joined + 4 * wide)
    ),
    # vectors to their places, and their gradients back
    here.seconds(moved=4 * FLOAT * (places + positives) * wide),
    # attention: what each place weighs and the weighted sum, for each head
    here.seconds(flops=3 * 2 * 2 * places * wide * HEADS, moved=4 * FLOAT * places * (wide + HEADS)),
    here.seconds(
      flops=3 * 2 * orders * (asked * 4 * wide + 4 * wide * wide),
      moved=4 * FLOAT * orders * (asked + 5 * wide),
    ),
    # every query with every positive: scores and their gradient
    here.seconds(flops=3 * 2 * positives * positives * wide, moved=4 * FLOAT * positives * positives),
    # Adam: weight and both moments read and written, the gradient read; of the ids the rows of the batch
    here.seconds(moved=7 * FLOAT * (weights + rows * wide)),
  ]
  return float(sum(parts))
