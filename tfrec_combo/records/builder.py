"""Decisions, or a log in parts -> a folder of records. Both write the same bytes for the same log."""

import dataclasses
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import polars as pl

from tfrec_combo.base import schema
from tfrec_combo.base.config import Config
from tfrec_combo.base.files import written_aside
from tfrec_combo.logs import split, tastes
from tfrec_combo.logs.decisions import SPLITS, Decisions
from tfrec_combo.logs.log import Log
from tfrec_combo.records import codec, manifest, parted, spill
from tfrec_combo.records.dataset import BUNDLES, PRODUCTS, SHOPPERS, generate
from tfrec_combo.records.each import Each, here

Progress = Callable[[int, int], None]  # how much is done, and how much there is in all


@dataclasses.dataclass(frozen=True)
class _Tables:
  """What is written beside the orders. shoppers: in parts, `shopper_count` in all."""

  catalogue: pl.DataFrame
  bundles: pl.DataFrame
  shoppers: Iterable[pl.DataFrame]
  shopper_count: int


def write(
  decisions: Decisions,
  config: Config,
  folder: str | os.PathLike[str],
  progress: Progress | None = None,
) -> manifest.Manifest:
  """Writes decisions and catalogue to `folder`, whole or not at all; the same decisions give the same bytes.

  progress is called with the number of examples written and the number in all. Splits without a decision are
  left out, and the manifest names them. Only what `config.records` bounds is cut.

  Raises:
    DataError: a decision breaks the data contract; it is named.
  """
  with written_aside(folder) as aside:
    runs = aside / "runs"
    runs.mkdir(parents=True)
    counts = spill.put(decisions, runs / "0", 1, **spill.limits(config))
    tables = _Tables(decisions.catalogue, decisions.bundles, [decisions.shoppers], len(decisions.shoppers))
    return _written(aside, [runs / "0"], counts, tables, config, here, progress)


def write_log(
  log: Log,
  config: Config,
  folder: str | os.PathLike[str],
  progress: Progress | None = None,
  *,
  each: Each = here,
) -> tuple[manifest.Manifest, dict[str, int | str]]:
  """Cuts a log and writes it as `write` writes what `split.decide` makes of it, a part at a time; with its profile.

  each: what runs the parts, and then the shards. progress counts both: a part is cut, then as much is written.

  Raises:
    DataError: no product, or no order to learn from, is left.
  """
  with written_aside(folder) as aside:
    runs = aside / "runs"
    runs.mkdir(parents=True)
    catalogue, facts = parted.count(log, config, runs, each)
    parts, found = log.lines.count, []
    for cut in each(facts.cut, range(parts)):
      found.append(parted.Cut.of(cut))
      if progress:
        progress(len(found), 2 * parts)
    writing = progress and (lambda done, total: progress(parts + parts * done // total, 2 * parts))
    counts = split.total(cut.counts for cut in found)
    split.check_learnable(counts.orders)
    shoppers = counts.shoppers + min(sum(cut.others for cut in found), tastes.OTHERS)
    tables = _Tables(catalogue, facts.bundles, facts.shoppers(), shoppers)
    sizes = np.sum([cut.sizes for cut in found], axis=0)
    made = _written(aside, facts.paths, sizes, tables, config, each, writing)
    return made, split.profile_of(counts, catalogue, facts.bundles.height)


def _written(
  folder: pathlib.Path,
  runs: Sequence[pathlib.Path],
  sizes: np.ndarray,
  tables: _Tables,
  config: Config,
  each: Each,
  progress: Progress | None,
) -> manifest.Manifest:
  """All datasets of a folder, and its manifest. sizes: [splits, ranges], records in each of the files `runs`."""
  counts = dict(zip(SPLITS, sizes.sum(1).tolist())) | {PRODUCTS: tables.catalogue.height}
  if tables.shopper_count:
    counts |= {BUNDLES: tables.bundles.height, SHOPPERS: tables.shopper_count}
  done, total = 0, sum(counts.values())

  def report(count: int) -> None:
    nonlocal done
    done += count
    if progress:
      progress(done, total)

  if shards := spill.shards(runs, sizes, config.records.shards):
    generate(folder, "decisions", shards, each, report)
  for name, records in {
    PRODUCTS: _encoded(_products(tables.catalogue), schema.PRODUCT),
    BUNDLES: _encoded(_bundles(tables.bundles), schema.BUNDLE),
    SHOPPERS: _encoded((row for part in tables.shoppers for row in part.iter_rows(named=True)), schema.TASTE),
  }.items():
    if counts.get(name):
      generate(folder, name, {name: [records]}, here, report)
  shutil.rmtree(folder / "runs")
  left_out = [name for name, count in counts.items() if not count]
  key = manifest.key(config)
  return manifest.of_folder(folder, key=key, counts=counts, left_out=left_out, **spill.limits(config))


def _encoded(examples: Iterable[codec.Example], features: tuple[schema.Feature, ...]) -> Iterator[bytes]:
  return (codec.encode(example, features) for example in examples)


def _products(catalogue: pl.DataFrame) -> Iterator[codec.Example]:
  for row, product in enumerate(catalogue.iter_rows(named=True)):
    yield codec.of_product(row, product)


def _bundles(bundles: pl.DataFrame) -> Iterator[codec.Example]:
  for row, bundle in enumerate(bundles.iter_rows(named=True)):
    yield bundle | {"row": row}
