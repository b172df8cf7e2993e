"""Read held-out orders back, to ask a model about them."""

import os

import numpy as np

from tfrec_combo.base.schema import DECISION
from tfrec_combo.base.stack import tf
from tfrec_combo.logs.decisions import Decision
from tfrec_combo.pipeline import files
from tfrec_combo.records.codec import decode

_BLOCK = 1024  # records read at a time


def requests(
  folder: str | os.PathLike[str], split: str, limit: int | None = None, seed: int = 0
) -> list[Decision]:
  """Up to `limit` decisions of a split, drawn evenly by `seed`, in stored order; all of them without a limit.

  Whose they are was never written, so `user_id` is "".

  Raises:
    DataError: the folder or the split holds no records.
  """
  shards = files.shards(folder, split)
  places = np.arange(files.count(folder, split))
  if limit is not None and limit < len(places):
    places = np.sort(np.random.default_rng(seed).choice(places, limit, replace=False))
  wanted = set(places.tolist())
  # Blocks: one record at a time takes TensorFlow longer than decoding it does.
  blocks = tf.data.TFRecordDataset(shards).batch(_BLOCK).as_numpy_iterator()
  stored = (record for block in blocks for record in block)
  records = (record for place, record in enumerate(stored) if place in wanted)
  return [Decision(user_id="", split=split, **decode(record, DECISION)) for record in records]
