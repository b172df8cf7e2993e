"""Parse a batch of records to dense features of fixed inner shapes."""

from typing import Any

from tfrec_combo.base.schema import DECISION
from tfrec_combo.base.stack import tf
from tfrec_combo.records.codec import parse_spec

# Training has no use for an order's id, and a batch holds only what a model reads.
FEATURES = tuple(f for f in DECISION if f.name != "order_id")


def parse(records: Any, *, history: int, basket: int) -> dict[str, Any]:
  """Records [B] string to features: the whole batch in one op, not an example at a time.

  history: [B, H] int32 rows of the catalogue, newest first, -1 behind the last; history_days: [B, H] float32,
  0 there. basket, target: [B, M] int32, -1 behind the last. query, context: [B] string. What is longer is cut
  to H and M.
  """
  widths = {"history": history, "basket": basket}
  parsed = tf.io.parse_example(records, parse_spec(FEATURES))
  features = {}
  for feature in FEATURES:
    value = parsed[feature.name]
    if feature.length:
      value = value.to_tensor(tf.cast(feature.pad, value.dtype), shape=[None, widths[feature.length]])
      value = tf.cast(value, feature.dtype)
    features[feature.name] = value
  return features
