"""Decisions encoded, sorted and written as TFRecord; held against writing the same bytes and no more."""

import pathlib

from benchmarks.speed import ceilings, shop
from benchmarks.speed.rows import Row, compared, in_turns
from tfrec_combo.base import config as c
from tfrec_combo.base.stack import tf
from tfrec_combo.logs import sources
from tfrec_combo.logs.split import decide
from tfrec_combo.pipeline import files
from tfrec_combo.records.builder import write

LINES, QUICK = 500_000, 50_000


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """The peer has the encoded bytes in memory, in their order."""
  lines = QUICK if quick else LINES
  config = c.load(shop.made(work, lines, lines // 10))
  decisions = decide(sources.read(config), config)
  folder = work / "records"
  counts = write(decisions, config, folder).counts
  records = [
    record
    for split, count in counts.items()
    if count
    for record in tf.data.TFRecordDataset(files.shards(folder, split)).as_numpy_iterator()
  ]
  size = sum(map(len, records))

  def peer() -> None:
    with tf.io.TFRecordWriter(str(work / "peer.tfrecord")) as writer:
      for record in records:
        writer.write(record)

  taken = in_turns({"ours": lambda: write(decisions, config, folder), "peer": peer})
  note = (
    f"{len(records):,} examples, {size / 1e6:,.0f} MB: orders with their histories, and the catalogue. Ours cuts the histories, "
    "encodes, shuffles by a hash, writes, and takes the checksum of each file. The floor is the bytes moved in memory once."
  )
  floor = ceilings.here().seconds(moved=2 * size)
  row = compared(
    "writing TFRecord", "tf.io.TFRecordWriter", taken["ours"], taken["peer"], floor=floor, note=note
  )
  return [row]
