"""Batch the records of a split: read, shuffle, batch, then parse, in that order."""

import os
from typing import Any

from tfrec_combo.base.config import Config
from tfrec_combo.base.stack import tf
from tfrec_combo.pipeline import files
from tfrec_combo.pipeline.parse import parse
from tfrec_combo.pipeline.resplit import resplit as redraw

SHUFFLE = 32_768  # examples shuffled at a time, some 60 MB of records; a smaller split is shuffled whole
_BLOCK = 64  # records handed on together: one by one they cost more than to be read
_SHARDS, _ORDER, _REDRAW = range(3)  # what a seed is for


def batches(
  folder: str | os.PathLike[str],
  split: str,
  config: Config,
  *,
  batch: int,
  training: bool,
  seed: int = 0,
  resplit: bool = False,
  history: int | None = None,
  basket: int | None = None,
  first_epoch: int = 0,
  drop_remainder: bool | None = None,
) -> Any:
  """A `tf.data.Dataset` of dicts as `parse` gives: history, history_days, basket, target, query, context.

  Training: an endless stream of epochs from `first_epoch` on, for `fit(...,
  steps_per_epoch=files.steps(...))`. An epoch holds each example once, but for a dropped remainder, in an
  order made of `seed` and its number alone; so two runs are equal, epochs differ, and a resumed run passes
  `first_epoch` and goes on as if unbroken. Otherwise: one pass in stored order, of known length.

  batch: B, over all replicas. history, basket: H and M, at most as wide as asked; none: `config.records`.
  resplit: redraw basket and target of each order, anew each epoch. drop_remainder: leave out the last,
  smaller batch of an epoch; none: in training, unless it is the only one.

  Raises:
    DataError: the folder or the split holds no records, or `drop_remainder` would leave nothing.
  """
  shards = files.shards(folder, split)
  examples = files.count(folder, split)
  drop = files.drops(examples, batch, drop_remainder if training or drop_remainder is not None else False)
  history, basket = history or config.records.history, basket or config.records.basket
  # The redraw sees the whole order, however little of it is asked for.
  parsed = max(basket, config.records.basket) if resplit else basket

  def finish(key: Any, number: Any, records: Any) -> dict[str, Any]:
    features = parse(records, history=history, basket=parsed)
    if resplit:
      drawn = redraw(features["basket"], features["target"], _fold(key, number))
      features["basket"], features["target"] = (part[:, :basket] for part in drawn)
    return features

  if training:
    # One after the other, yet in parallel: the first window of an epoch is read while the one before ends.
    records = tf.data.Dataset.counter(first_epoch).interleave(
      lambda epoch: _epoch(shards, batch, drop, seed, epoch),
      cycle_length=1,
      num_parallel_calls=1,
      deterministic=True,
    )
    cardinality = tf.data.INFINITE_CARDINALITY
  else:
    records = _numbered(tf.data.TFRecordDataset(shards).batch(batch, drop), _seed(seed, 0))
    cardinality = examples // batch if drop else -(-examples // batch)
  dataset = records.map(finish, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
  dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality))
  return dataset.prefetch(tf.data.AUTOTUNE).with_options(_options())


def _epoch(shards: list[str], batch: int, drop: bool, seed: int, number: Any) -> Any:
  """Batches of records of one epoch, each behind what its redraw is seeded by: a key and its number."""
  key = _seed(seed, number)
  paths = tf.random.experimental.stateless_shuffle(tf.constant(shards), _fold(key, _SHARDS))
  blocks = tf.data.Dataset.from_tensor_slices(paths).interleave(
    lambda path: tf.data.TFRecordDataset(path).batch(_BLOCK),
    # Half of the shards at a time, so that the order of the shards decides which examples are shuffled
    # together.
    cycle_length=max(1, len(shards) // 2),
    block_length=1,
    num_parallel_calls=tf.data.AUTOTUNE,
    deterministic=True,
  )
  # Not `Dataset.shuffle`: it mixes in the global seed, so a run would depend on it, and with
  # tf.random.set_seed(0) it cannot take a seed that is a tensor.
  order = _fold(key, _ORDER)
  windows = blocks.rebatch(SHUFFLE).enumerate()
  shuffled = windows.map(lambda i, window: tf.random.experimental.stateless_shuffle(window, _fold(order, i)))
  return _numbered(shuffled.prefetch(1).rebatch(batch, drop), key)


def _numbered(records: Any, key: Any) -> Any:
  key = _fold(key, _REDRAW)
  return records.enumerate().map(lambda i, batch: (key, i, batch))


def _seed(seed: int, epoch: Any) -> Any:
  return _fold(tf.constant([seed, 0], tf.int64), epoch)


def _fold(seed: Any, number: Any) -> Any:
  return tf.random.experimental.stateless_fold_in(seed, tf.cast(number, tf.int64))


def _options() -> Any:
  options = tf.data.Options()
  options.deterministic = True
  # Workers share batches out, not files: there may be fewer shards than workers, and a shuffle drawn over all
  # shards must be the same on each worker for n of them to see what one would.
  options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
  return options
