"""One worker of a cluster: python -m tests.training.worker CONFIG OUT, with TF_CONFIG in the environment.

It trains by plain gradient descent, so that sums in another order stay as far apart as they are. HOLD=1 makes it stay after its
first epoch until it is killed.
"""

import os
import pathlib
import sys
import time

import numpy as np

from tfrec_combo.base import config as c
from tfrec_combo.base.errors import ComboError
from tfrec_combo.base.stack import tf
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.training import assemble, callbacks, fit, optimizer
from tfrec_combo.training import strategy as strategies

RATE = 0.05


def share(config: c.Config, strategy: tf.distribute.Strategy) -> np.ndarray:
  """What this worker reads of the first three batches of the towers, basket and target, [rows, M + M]."""
  run, batch = assemble.Run(config), config.retrieval.batch
  stream = batches(run.records, "train", config, batch=batch, training=True, seed=config.seed)
  stream = iter(strategy.experimental_distribute_dataset(stream))
  own = lambda part, name: strategy.experimental_local_results(part[name])[0].numpy()
  parts = [next(stream) for _ in range(3)]
  return np.concatenate([np.concatenate([own(p, "basket"), own(p, "target")], axis=1) for p in parts])


def weights(models: fit.Models) -> dict[str, np.ndarray]:
  """Every trained number of the towers and of the ranking net."""
  parts = {"towers": models.towers.trainable_variables, "net": models.ranker.net.trainable_variables}
  return {f"{name} {i}": v.numpy() for name, part in parts.items() for i, v in enumerate(part)}


def plain(_: object) -> tf.keras.optimizers.Optimizer:
  """What takes the place of Adam, whatever the rate."""
  return tf.keras.optimizers.SGD(RATE)


def descend() -> None:
  """From now on a training takes plain steps of one length."""
  optimizer.LazyAdam = plain


def hold() -> None:
  """From now on an epoch is followed by none."""
  save = callbacks.HeldOut.on_epoch_end

  def stay(self, epoch, logs=None):
    save(self, epoch, logs)
    if os.environ["HOLD"] == "1":
      time.sleep(600)

  callbacks.HeldOut.on_epoch_end = stay


def main() -> None:
  """Trains, and leaves this worker's share of the data and its weights."""
  config, out = c.load(sys.argv[1]), pathlib.Path(sys.argv[2])
  descend()
  if "HOLD" in os.environ:
    hold()
  chosen = []
  choose = fit.choose

  def keep(training):
    chosen.append(choose(training))
    return chosen[0]

  fit.choose = keep
  try:
    models = fit.train(config)
  except ComboError as e:
    sys.exit(f"error: {e}")
  np.savez(out, share=share(config, chosen[0]), chief=strategies.is_chief(chosen[0]), **weights(models))


if __name__ == "__main__":
  main()
