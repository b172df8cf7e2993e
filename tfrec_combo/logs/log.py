"""A shop whose log waits in parts on disk: how it is handed on where it may not fit into memory."""

import dataclasses
import datetime
import pathlib
import shutil

import polars as pl

from tfrec_combo.base.config import Config
from tfrec_combo.logs import moments
from tfrec_combo.logs.parts import Parts, count_for
from tfrec_combo.logs.shop import EVENTS, Shop

LINES = {name: EVENTS[name] for name in ("user_id", "order_id", "product_id", "timestamp", "context")}


@dataclasses.dataclass(frozen=True)
class Log:
  """shop: all but the events, which are empty there. lines: those of them that make orders (`moments.counted`), by time in
  each part; all of a shopper are in one part. newest: the last moment of the lines, None where there is no time."""

  shop: Shop
  lines: Parts
  newest: datetime.datetime | None


def events_in(folder: pathlib.Path, config: Config, count: int) -> Parts:
  """Room for `Shop.events` in parts."""
  return Parts(folder / "events", EVENTS, "user_id", count, config.seed)


def counted(events: Parts, config: Config) -> tuple[Parts, datetime.datetime | None]:
  """`Log.lines` and `Log.newest` of events in the order of their files; what they are made of is removed."""
  lines = dataclasses.replace(events, folder=events.folder.parent / "lines", schema=LINES)
  newest = None
  for part, frame in enumerate(events.each()):
    found = moments.counted(frame.sort("timestamp", maintain_order=True), config)
    lines.put(part, found)
    newest = max((m for m in (newest, moments.last(found)) if m is not None), default=None)
  shutil.rmtree(events.folder, ignore_errors=True)
  return lines, newest


def of_shop(shop: Shop, config: Config, folder: pathlib.Path, count: int | None = None) -> Log:
  """A shop in memory put away to `folder`, in `count` parts; none: as many as its size asks for."""
  events = events_in(folder, config, count or count_for(shop.events.height))
  events.add(shop.events)
  lines, newest = counted(events, config)
  return Log(dataclasses.replace(shop, events=pl.DataFrame(schema=EVENTS)), lines, newest)
