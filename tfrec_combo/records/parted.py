"""A log part by part: the counts over all parts that make the catalogue, then each part cut and encoded by itself.

Between the steps everything lies in files of one folder, so that a part may be worked on in another process, or on another
machine that sees the folder.
"""

import dataclasses
import datetime
import functools
import pathlib
from collections.abc import Iterator

import polars as pl

from tfrec_combo.base.config import Config
from tfrec_combo.logs import split, tastes
from tfrec_combo.logs.cut import COUNTS, counts_of, cut, orders_of
from tfrec_combo.logs.log import Log
from tfrec_combo.logs.moments import start_before
from tfrec_combo.logs.parts import Parts
from tfrec_combo.records import spill
from tfrec_combo.records.each import Each

_TABLES = ("bundles", "intents", "bundle_events")  # of a shop, as they are; `ids` and `taken` are made here


@dataclasses.dataclass(frozen=True)
class Cut:
  """What came of a part, as plain values. sizes: as `spill.put` gives them; others: shoppers without a bundle."""

  counts: split.Counts
  sizes: list[list[int]]
  others: int

  @classmethod
  def of(cls, plain: dict) -> "Cut":
    """What `Facts.cut` gave."""
    return cls(**plain | {"counts": split.Counts(**plain["counts"])})


@dataclasses.dataclass(frozen=True)
class Facts:
  """What each part must know of the whole: small, and the tables in `folder`."""

  folder: pathlib.Path
  lines: Parts
  config: Config
  test_start: datetime.datetime | None
  tastes_start: datetime.datetime | None

  @property
  def paths(self) -> list[pathlib.Path]:
    """Where `cut` leaves the records of each part."""
    return [self.folder / f"records-{part}" for part in range(self.lines.count)]

  @property
  def bundles(self) -> pl.DataFrame:
    """`Decisions.bundles`."""
    return _read(self.folder / "taken")

  def shoppers(self) -> Iterator[pl.DataFrame]:
    """`Decisions.shoppers` in parts, after all are cut."""
    paths = (self.folder / f"shoppers-{part}" for part in range(self.lines.count))
    return tastes.sampled(pl.read_ipc(path) for path in paths if path.is_file())

  def count(self, part: int) -> None:
    """Writes how often each product of a part was ordered."""
    lines, _ = self._orders(part)
    counts_of(lines, self.config, self.test_start).write_ipc(self.folder / f"counts-{part}")

  def cut(self, part: int) -> dict:
    """Writes the records, and what is known of the shoppers, of a part; `Cut` as a dict. Raises DataError as `spill.put` does."""
    lines, orders = self._orders(part)
    ids = _read(self.folder / "ids")
    found = cut(lines, orders, ids, self.config)
    others = 0
    events = _read(self.folder / "bundle_events")
    if len(events):
      events = events.filter(self.lines.part_of(events["user_id"]) == part)
      shoppers = tastes.shoppers_of(
        self.lines.read(part), events, self.bundles, ids, self.config, self.tastes_start
      )
      shoppers.write_ipc(self.folder / f"shoppers-{part}")
      others = shoppers.filter(pl.col("bundles").list.len() == 0).height
      found = dataclasses.replace(found, shoppers=shoppers)
    sizes = spill.put(found, self.paths[part], self.lines.count, **spill.limits(self.config))
    return dataclasses.asdict(Cut(split.counts(found), sizes.tolist(), others))

  def _orders(self, part: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    bundles, intents = _read(self.folder / "bundles"), _read(self.folder / "intents")
    # Bundles are orders of nobody: they are cut with the first part.
    some = bundles if part == 0 else bundles.clear()
    return orders_of(self.lines.read(part), some, intents, self.config, self.test_start)


def count(log: Log, config: Config, folder: pathlib.Path, each: Each) -> tuple[pl.DataFrame, Facts]:
  """The catalogue of a log, and what its parts must know, in `folder`. Raises DataError as `split.catalogue_of` does."""
  for name in _TABLES:
    getattr(log.shop, name).write_ipc(folder / name)
  start = start_before(log.newest, config)
  facts = Facts(folder, log.lines, config, start, tastes.start_of(start, log.shop.bundle_events, config))
  list(each(facts.count, range(log.lines.count)))
  counts = [pl.scan_ipc(folder / f"counts-{part}") for part in range(log.lines.count)]
  summed = pl.concat(counts).group_by("product_id").agg(pl.col(COUNTS).sum()).collect(engine="streaming")
  catalogue = split.catalogue_of(log.shop.products, summed, config)
  catalogue.select("product_id").write_ipc(folder / "ids")
  tastes.bundles_of(log.shop.bundles, catalogue).write_ipc(folder / "taken")
  return catalogue, facts


@functools.lru_cache(maxsize=8)
def _read(path: pathlib.Path) -> pl.DataFrame:
  return pl.read_ipc(path)
