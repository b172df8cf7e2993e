"""Records to batches of dense features; held against the tutorial's way, and against reading the same bytes and no more."""

import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed import ceilings, shop
from benchmarks.speed.rows import REPEATS, Row, compared
from tfrec_combo.base.stack import tf
from tfrec_combo.pipeline import files
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.pipeline.parse import FEATURES
from tfrec_combo.records.codec import parse_spec

LINES, QUICK = 500_000, 100_000
BATCH = 256
EPOCHS = 2  # that are timed, after one that is not: graphs are built in it, and windows filled


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Examples a second of the train split, epoch after epoch, the files in the page cache."""
  lines = QUICK if quick else LINES
  config = shop.prepared(work, lines, lines // 10)
  folder = config.run_dir / "records"
  shards = files.shards(folder, "train")
  steps = files.count(folder, "train") // BATCH
  widths = {"history": config.towers.history, "basket": config.records.basket}
  ours = lambda training: batches(
    folder, "train", config, batch=BATCH, training=training, history=widths["history"], drop_remainder=True
  )
  ways: dict[str, Callable[[], Any]] = {
    "ours": lambda: ours(True),  # endless by itself
    "in order": lambda: ours(False).repeat(),
    "tutorial": lambda: _tutorial(shards, widths, None).repeat(),
    "tutorial, in parallel": lambda: _tutorial(shards, widths, tf.data.AUTOTUNE).repeat(),
    "read": lambda: tf.data.TFRecordDataset(shards).batch(BATCH, drop_remainder=True).repeat(),
  }
  rates: dict[str, list[float]] = {name: [] for name in ways}
  for _ in range(REPEATS):
    for name, way in ways.items():
      rates[name].append(_rate(way(), steps))
  size = sum(pathlib.Path(path).stat().st_size for path in shards)
  each = size / files.count(folder, "train")
  dense = BATCH * (8 * widths["history"] + 8 * widths["basket"]) / BATCH
  floor = 1 / ceilings.here().seconds(moved=2 * each + dense)
  shape = (
    f"{steps * BATCH:,} examples of {each:,.0f} bytes, batches of {BATCH}, histories of {widths['history']}"
  )
  make = lambda stage, against, mine, peer, **more: compared(
    stage, against, rates[mine], rates[peer], unit="examples/s", floor=floor, **more
  )
  peer = "map(parse_single_example), then batch"
  return [
    make("input pipeline", peer, "ours", "tutorial", wanted=5, note=f"{shape}. Ours shuffles, the peer does not."),
    make("input pipeline", f"{peer}, parallel", "ours", "tutorial, in parallel",
         note="The same peer with num_parallel_calls and prefetch."),
    make("input pipeline", "TFRecordDataset then batch", "ours", "read", wanted=0.5,
         note="A read of the same files that parses nothing, its records batched as strings."),
    make("input pipeline, in stored order", "TFRecordDataset then batch", "in order", "read",
         note="Ours without the shuffle, as held-out orders are read."),
  ]  # fmt: skip


def _tutorial(shards: list[str], widths: dict[str, int], parallel: int | None) -> Any:
  """As TensorFlow's guide to TFRecord has it: each example parsed by itself, padded when it is batched."""
  spec = parse_spec(FEATURES)

  def one(record: Any) -> dict[str, Any]:
    parsed = tf.io.parse_single_example(record, spec)
    return {f.name: parsed[f.name][: widths[f.length]] if f.length else parsed[f.name] for f in FEATURES}

  examples = tf.data.TFRecordDataset(shards).map(one, num_parallel_calls=parallel)
  shapes = {f.name: [widths[f.length]] if f.length else [] for f in FEATURES}
  kinds = {name: spec.dtype for name, spec in examples.element_spec.items()}
  pads = {
    f.name: "" if f.dtype == "string" else np.array(f.pad, kinds[f.name].as_numpy_dtype) for f in FEATURES
  }
  dataset = examples.padded_batch(BATCH, shapes, pads, drop_remainder=True)
  return dataset if parallel is None else dataset.prefetch(parallel)


def _rate(dataset: Any, steps: int) -> float:
  batches = iter(dataset)
  for _ in range(steps):
    next(batches)
  start = time.perf_counter()
  for _ in range(EPOCHS * steps):
    next(batches)
  return EPOCHS * steps * BATCH / (time.perf_counter() - start)
