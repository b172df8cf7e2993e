"""The TFDS builder: encoded records as shards for `tfds.load` and plain `TFRecordDataset` alike."""

import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfrec_combo.base import schema
from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.stack import tf, tfds
from tfrec_combo.records.each import Each, here

PRODUCTS = "products"
BUNDLES, SHOPPERS = "bundles", "shoppers"
_FEATURES = {  # by TFDS config
  "decisions": schema.DECISION,
  PRODUCTS: schema.PRODUCT,
  BUNDLES: schema.BUNDLE,
  SHOPPERS: schema.TASTE,
}


class ShopRecords(tfds.core.GeneratorBasedBuilder):
  """`shop_records/decisions` with the splits train, rank, valid and test, and `shop_records/products`; in a shop with bundle
  events `shop_records/bundles` and `shop_records/shoppers`, too.

  Several configs, because one TFDS dataset has one set of features. source: split -> its shards, each the encoded records in
  their order; without it the builder reads what is there. each: what writes them.
  """

  VERSION = tfds.core.Version(schema.VERSION)
  BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in _FEATURES]  # noqa: RUF012 TFDS reads a list
  # TFDS looks beside the code for checksums of downloads, and cannot in a package without
  # importlib_resources, which it does not declare. Here nothing is downloaded.
  code_path = None

  def __init__(
    self,
    *,
    source: Mapping[str, Sequence[Iterable[bytes]]] | None = None,
    each: Each = here,
    progress: Callable[[int], None] = lambda count: None,
    **kwargs: Any,
  ):
    self._source, self._each, self._progress = source, each, progress
    super().__init__(**kwargs)

  def _info(self) -> Any:
    # Built by hand: `dataset_info_from_configs` wants a package folder beside the builder.
    features = {f.name: _tfds_feature(f) for f in _FEATURES[self.builder_config.name]}
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

  def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
    del dl_manager
    rule = "must be written before they are read"
    raise DataError(fault("records", rule, str(self.data_dir), "call records.builder.write first"))

  def _generate_examples(self) -> Any:
    """Nothing is left to generate: `_generate_splits` has the records as they are written."""

  def _generate_splits(self, dl_manager: Any, download_config: Any) -> list[Any]:
    # TFDS's own writers encode examples one by one, shuffle them in a gigabyte of memory, and cut shards in one place when
    # they run on Beam and in another when they do not.
    if self._source is None:
      return self._split_generators(dl_manager)  # type: ignore[return-value]
    del download_config
    splits = {
      split: tfds.core.SplitInfo(
        name=split, shard_lengths=[], num_bytes=0, filename_template=self._get_filename_template(split)
      )
      for split in self._source
    }
    tasks = [
      (
        split,
        str(splits[split].filename_template.sharded_filepath(shard_index=i, num_shards=len(shards))),
        shard,
      )
      for split, shards in self._source.items()
      for i, shard in enumerate(shards)
    ]
    for (split, *_), (count, size) in zip(tasks, self._each(_write_shard, tasks)):
      info = splits[split]
      lengths = [*info.shard_lengths, count]
      splits[split] = info.replace(shard_lengths=lengths, num_bytes=info.num_bytes + size)
      self._progress(count)
    return list(splits.values())

  def _log_download_bytes(self) -> None:
    """Nothing is downloaded, and `write` has a progress of its own."""

  _log_download_done = _log_download_bytes


def _tfds_feature(feature: schema.Feature) -> Any:
  dtype = np.str_ if feature.dtype == "string" else np.dtype(feature.dtype)
  return tfds.features.Tensor(shape=(None,) if feature.length else (), dtype=dtype)


def _write_shard(task: tuple[str, str, Iterable[bytes]]) -> tuple[int, int]:
  """Number of records written and their bytes."""
  _, path, records = task
  count = size = 0
  with tf.io.TFRecordWriter(path) as writer:
    for record in records:
      writer.write(record)
      count += 1
      size += len(record)
  return count, size


def generate(
  folder: pathlib.Path,
  name: str,
  source: Mapping[str, Sequence[Iterable[bytes]]],
  each: Each = here,
  progress: Callable[[int], None] = lambda count: None,
) -> None:
  """Writes the dataset `shop_records/<name>` below `folder`. source: split -> its shards, none of them empty."""
  builder = ShopRecords(data_dir=str(folder), config=name, source=source, each=each, progress=progress)
  tfds.display_progress_bar(False)
  try:
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
  finally:
    tfds.display_progress_bar(True)
