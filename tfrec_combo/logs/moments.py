"""The moments that cut a log in time, known to the sources too: nothing they derive may look beyond them."""

import datetime

import polars as pl

from tfrec_combo.base.config import Config

DAY = datetime.timedelta(days=1)


def counted(events: pl.DataFrame, config: Config) -> pl.DataFrame:
  """The lines that make orders: events of the kinds that count, the first of each order and product."""
  kinds = pl.col("event").is_in(list(config.data.history_events))
  # An order is of one shopper, whatever the ids: what is cut together does not depend on who else is in the log.
  key = ["user_id", "order_id", "product_id"]
  return events.filter(kinds).unique(key, keep="first", maintain_order=True)


def test_start(lines: pl.DataFrame, config: Config) -> datetime.datetime | None:
  """The first moment of the test split of `counted` lines; None where there is no time to split by."""
  return start_before(last(lines), config)


def last(lines: pl.DataFrame) -> datetime.datetime | None:
  """The newest moment of the lines; None where none has a time."""
  found = lines["timestamp"].max()
  assert found is None or isinstance(found, datetime.datetime)
  return found


def start_before(newest: datetime.datetime | None, config: Config) -> datetime.datetime | None:
  """`test_start` of a log whose newest counted line is of that moment."""
  if config.split.test_start is not None or newest is None:
    return utc(config.split.test_start)
  return newest - config.split.test_days * DAY


def utc(moment: datetime.datetime | None) -> datetime.datetime | None:
  """A moment of the config as the log's times are kept: UTC, without a zone."""
  if moment is None or moment.tzinfo is None:
    return moment
  return moment.astimezone(datetime.UTC).replace(tzinfo=None)
