"""One example as a dict and as the bytes of a `tf.train.Example`: pure functions any runner can call."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.schema import DECISION, PRODUCT, Feature
from tfrec_combo.base.stack import tf
from tfrec_combo.logs.decisions import Decision

Example = dict[str, Any]  # feature name -> str, number, or 1-D array


def of_decision(decision: Decision, *, history: int, basket: int, products: int) -> Example:
  """The example of one decision: its newest `history` lines, at most `basket` products in each part.

  Raises:
    DataError: a product is no row of the catalogue, a line of the history lies after the order, or nothing
    was added.
  """
  limits = {"history": history, "basket": basket}
  example = {f.name: getattr(decision, f.name) for f in DECISION}
  example |= {f.name: example[f.name][: limits[f.length]] for f in DECISION if f.length}
  where = f"order {decision.order_id}"
  if not len(example["target"]):
    raise DataError(fault(f"{where}: target", "must hold a product", [], "leave orders without one out"))
  if len(example["history"]) != len(example["history_days"]):
    lengths = len(example["history"]), len(example["history_days"])
    rule = "needs one entry of history_days a line"
    raise DataError(fault(f"{where}: history", rule, lengths, "cut both alike"))
  if len(example["history"]) and not example["history_days"].min() >= 0:
    least = float(example["history_days"].min())
    way_out = "cut the history before the order"
    raise DataError(fault(f"{where}: history_days", "must be 0 or more", least, way_out))
  for name in ("history", "basket", "target"):
    rows = example[name]
    if len(rows) and not (rows.min() >= 0 and rows.max() < products):
      outside = [int(r) for r in rows if not 0 <= r < products][:3]
      rule = f"must be rows below {products}"
      raise DataError(fault(f"{where}: {name}", rule, outside, "number products by the catalogue"))
  return example


def of_product(row: int, product: Mapping[str, Any]) -> Example:
  """The example of one row of `Decisions.catalogue`; an unknown price becomes NaN."""
  example = {f.name: product[f.name] for f in PRODUCT if f.name != "row"}
  return example | {"row": row, "price": np.nan if product["price"] is None else product["price"]}


def encode(example: Mapping[str, Any], features: tuple[Feature, ...]) -> bytes:
  """`example` as a serialized `tf.train.Example`; the same example gives the same bytes in every process."""
  proto = tf.train.Example()
  for feature in features:
    slot, value = proto.features.feature[feature.name], example[feature.name]
    if feature.dtype == "string":
      slot.bytes_list.value.append(value.encode())
      continue
    values = np.atleast_1d(np.asarray(value, feature.dtype)).tolist()
    (slot.float_list if feature.dtype == "float32" else slot.int64_list).value.extend(values)
  return proto.SerializeToString(deterministic=True)


def canonical(record: bytes) -> bytes:
  """The bytes `encode` gives for this record, whoever wrote it.

  A protobuf map has no order of its own, and the library's differs from process to process.
  """
  return tf.train.Example.FromString(record).SerializeToString(deterministic=True)


def decode(record: bytes, features: tuple[Feature, ...]) -> Example:
  """The example in a record: strings, Python numbers, and [length] arrays of the feature's type."""
  slots = tf.train.Example.FromString(record).features.feature
  example: Example = {}
  for feature in features:
    slot = slots[feature.name]
    if feature.dtype == "string":
      example[feature.name] = slot.bytes_list.value[0].decode()
      continue
    values = (slot.float_list if feature.dtype == "float32" else slot.int64_list).value
    example[feature.name] = np.array(values, feature.dtype) if feature.length else values[0]
  return example


def parse_spec(features: tuple[Feature, ...]) -> dict[str, Any]:
  """The feature description with which plain `tf.io.parse_example` reads these records.

  Single values come as [B], lists as ragged [B, None]; integers as int64, the only kind a `tf.train.Example`
  has.
  """
  kinds = {"string": tf.string, "int32": tf.int64, "int64": tf.int64, "float32": tf.float32}
  return {
    f.name: tf.io.RaggedFeature(kinds[f.dtype]) if f.length else tf.io.FixedLenFeature([], kinds[f.dtype])
    for f in features
  }
