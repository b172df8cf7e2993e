"""Find the shards of a split, and count what they hold; the manifest knows, so no folder is listed."""

import os
import pathlib

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.records.manifest import read_manifest


def shards(folder: str | os.PathLike[str], split: str) -> list[str]:
  """Paths of the shards of `split` ("train", "rank", "valid", "test" or "products"), in order.

  Raises:
    DataError: the folder holds no records, or none of this split.
  """
  manifest = read_manifest(folder)
  if not manifest.counts.get(split):
    held = ", ".join(name for name, count in manifest.counts.items() if count)
    raise DataError(fault("split", "must hold an example", split, f"use one of: {held}"))
  paths = [pathlib.Path(folder) / name for name in manifest.files if f"-{split}.tfrecord-" in name]
  return [str(path) for path in sorted(paths)]


def count(folder: str | os.PathLike[str], split: str) -> int:
  """Examples of `split`; 0 where it was left out."""
  return read_manifest(folder).counts.get(split, 0)


def steps(
  folder: str | os.PathLike[str], split: str, *, batch: int, drop_remainder: bool | None = None
) -> int:
  """Batches in one epoch of training, Keras's `steps_per_epoch`.

  drop_remainder: as in `batches`; None drops the last, smaller batch unless it is the only one.
  """
  examples = count(folder, split)
  return examples // batch if drops(examples, batch, drop_remainder) else -(-examples // batch)


def drops(examples: int, batch: int, drop_remainder: bool | None) -> bool:
  """Whether the last, smaller batch of an epoch is left out.

  Raises:
    DataError: it was asked for and would leave nothing.
  """
  if drop_remainder and examples < batch:
    way_out = f"set a batch of at most {examples}, or keep the remainder"
    raise DataError(fault("batch", f"must be filled by the {examples} examples of the split", batch, way_out))
  return examples >= batch if drop_remainder is None else drop_remainder
