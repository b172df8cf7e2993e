"""The user's own files."""

import dataclasses
import datetime
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

import polars as pl

from tfrec_combo.base import config, files
from tfrec_combo.base.errors import ConfigError, DataError, fault
from tfrec_combo.logs import checks, formats, moments, parsing, readers, shop
from tfrec_combo.logs.faults import FaultReport
from tfrec_combo.logs.log import Log, counted, events_in
from tfrec_combo.logs.parts import Parts, count_for

_PAID: dict[str, Any] = {"product_id": pl.String, "timestamp": pl.Datetime("us"), "paid": pl.Float64}
_KEYS = {"products": "product_id", "bundles": "bundle_id"}  # tables whose ids other tables point at


def read(settings: config.Config, summary_path: pathlib.Path | None = None) -> shop.Shop:
  """The shop in the files that `settings.data` names.

  Ids are taken exactly as they are written. An event without an `order_id` belongs to the order of its user's day, or in a
  log without times to the one order of its user. An event table without `event` holds purchases. Where a bundle has several
  intents the first counts.

  Prices: those of the products; where products have no such column and events carry `price`, the median of
  what was paid for one piece before the test split, null where that is 0. That is `price / quantity` where the events have a
  quantity, as `price` is then the total of the line, else `price`.

  Raises:
    ConfigError: products, or both events and bundles, are not configured.
    DataError: a file cannot be read, a rule is broken and `on_bad_row` is fail, or dropping leaves nothing.
  """
  with tempfile.TemporaryDirectory() as folder:
    found = _checked(settings, pathlib.Path(folder), 1, summary_path)
    events = found.events.read(0).sort("timestamp", maintain_order=True)
    newest = moments.last(moments.counted(events, settings))
    return dataclasses.replace(_shop(found, settings, newest), events=events)


def log(
  settings: config.Config,
  folder: pathlib.Path,
  summary_path: pathlib.Path | None = None,
  count: int | None = None,
) -> Log:
  """What `read` gives, the events never in memory as a whole but in `count` parts in `folder`; none: as many as the sizes of
  the files ask for. Raises as `read` does."""
  paths = settings.data.events.path if settings.data.events else ()
  there = [
    pathlib.Path(path) for path in paths if pathlib.Path(path).is_file() and formats.kind(pathlib.Path(path))
  ]
  parts = count or count_for(sum(map(formats.rows_of, there)))
  found = _checked(settings, folder, parts, summary_path)
  lines, newest = counted(found.events, settings)
  return Log(_shop(found, settings, newest), lines, newest)


@dataclasses.dataclass(frozen=True)
class _Found:
  """tables: all but the events, checked. events: as `shop.Shop` has them, in the order of their files. paid: what was paid for
  one piece; empty where products have prices, or events none."""

  tables: dict[str, pl.DataFrame]
  events: Parts
  paid: Parts


def _checked(
  settings: config.Config, folder: pathlib.Path, count: int, summary_path: pathlib.Path | None
) -> _Found:
  data = settings.data
  _check_config(data)
  report = FaultReport(data.max_faults)
  events = events_in(folder, settings, count)
  found = _Found({}, events, Parts(folder / "paid", _PAID, "product_id", count))
  known: dict[str, pl.Series] = {}
  for name in readers.CONTRACTS:
    spec = getattr(data, name)
    if spec is None:
      continue
    sources = readers.sources(name, spec)
    own = _KEYS.get(name)
    others = {k: ids for k, ids in known.items() if k != own}
    if name == "events":
      _put_away(sources, others, report, found, checks.shared_orders(sources, folder / "pairs", count))
      continue
    parts = [source.part() for source in sources]
    checked = [checks.check(part, others, report) for part in parts]
    found.tables[name] = _join(checked) if name == "products" else pl.concat(checked, how="diagonal")
    if own is not None:
      # Where bad rows stop the run anyway, the id of a bad row is known: its own fault is told once.
      frames = checked if data.on_bad_row == "drop" else [part.frame for part in parts]
      frames = frames[:1] if name == "products" else frames
      known[own] = pl.concat([frame[own] for frame in frames]).drop_nulls().unique()
  _judge(report, data, summary_path)
  return found


def _put_away(
  sources: list[readers.Source],
  known: Mapping[str, pl.Series],
  report: FaultReport,
  found: _Found,
  shared: pl.Series,
) -> None:
  """Checks the events batch by batch and puts them where they wait."""
  priced = "price" not in found.tables["products"].columns
  for source in sources:
    for part in source.batches():
      rows = checks.check(part, known, report, shared)
      found.events.add(_shaped(_orders(_timed(rows)), shop.EVENTS))
      if priced and "price" in rows.columns:
        found.paid.add(_paid(_timed(rows)))


def _check_config(data: config.Data) -> None:
  if data.products is None:
    raise ConfigError(
      fault("data.products", "must be given for the source tables", None, "name your product file")
    )
  if data.events is None and data.bundles is None:
    rule = "must be given for the source tables, or data.bundles"
    raise ConfigError(fault("data.events", rule, None, "name your order lines"))
  for name in ("bundle_events", "intents"):
    if getattr(data, name) is not None and data.bundles is None:
      raise ConfigError(
        fault(f"data.{name}", "needs data.bundles", None, "name your bundle file, or remove it")
      )


def _judge(report: FaultReport, data: config.Data, summary_path: pathlib.Path | None) -> None:
  if report and data.on_bad_row == "fail":
    raise DataError(report.message())
  if summary_path is not None and data.on_bad_row == "drop":
    files.write_json(summary_path, report.summary())
  for name, (_, kept) in report.rows.items():
    if not kept:
      raise DataError(f"data.{name}: no row is left after dropping the bad ones:\n{report.table()}")


def _join(parts: list[pl.DataFrame]) -> pl.DataFrame:
  joined = parts[0]
  for part in parts[1:]:
    joined = joined.join(part, on="product_id", how="left", maintain_order="left")
  return joined


def _pieces(frame: pl.DataFrame, name: str) -> list[pl.Series]:
  """The columns that stand for `name`: itself, or its pieces as they were mapped; one of "" without any."""
  if name in frame.columns:
    return [frame[name]]
  found = [column for column in frame.columns if column.startswith(f"{name}/")]
  found.sort(key=lambda column: int(column.rpartition("/")[2]))
  return [frame[column] for column in found] or [pl.Series(name, [""]).new_from_index(0, len(frame))]


def _shop(found: _Found, settings: config.Config, newest: datetime.datetime | None) -> shop.Shop:
  """All but the events. newest: moment of the last line that counts."""
  products = found.tables["products"]
  if "price" not in products.columns:
    prices = _median_prices(found.paid, moments.start_before(newest, settings))
    products = products.join(prices, on="product_id", how="left", maintain_order="left")
  products = products.with_columns(
    parsing.text(_pieces(products, "text")).alias("text"),
    parsing.category_path(_pieces(products, "category")).alias("category"),
  )
  tables = {"products": _shaped(products, shop.PRODUCTS), "events": pl.DataFrame(schema=shop.EVENTS)}
  if "bundles" in found.tables:
    tables["bundles"] = _shaped(found.tables["bundles"], shop.BUNDLES).unique(maintain_order=True)
  if "bundle_events" in found.tables:
    taken = _shaped(_timed(found.tables["bundle_events"]), shop.BUNDLE_EVENTS)
    tables["bundle_events"] = taken.sort("timestamp", maintain_order=True)
  if "intents" in found.tables:
    intents = found.tables["intents"]
    intents = intents.with_columns(parsing.text([intents["text"]]).alias("text"))
    tables["intents"] = _shaped(intents, shop.INTENTS).unique("bundle_id", keep="first", maintain_order=True)
  return shop.Shop(**tables)


def _shaped(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
  return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _timed(rows: pl.DataFrame) -> pl.DataFrame:
  """`rows` with a column of times, null where the log has none."""
  if "timestamp" in rows.columns:
    return rows
  return rows.with_columns(timestamp=pl.lit(None, pl.Datetime("us")))


def _orders(events: pl.DataFrame) -> pl.DataFrame:
  """Events with the columns that all or some of their files lack: order, event and context."""
  day = pl.coalesce(pl.format("{} {}", "user_id", pl.col("timestamp").dt.date()), "user_id")
  order = pl.coalesce("order_id", day) if "order_id" in events.columns else day
  event = pl.col("event").fill_null("purchase") if "event" in events.columns else pl.lit("purchase")
  context = pl.col("context").fill_null("") if "context" in events.columns else pl.lit("")
  return events.with_columns(order_id=order, event=event, context=context)


def _paid(events: pl.DataFrame) -> pl.DataFrame:
  each = (
    pl.col("price") / pl.col("quantity").fill_null(1) if "quantity" in events.columns else pl.col("price")
  )
  return _shaped(events.with_columns(paid=each), _PAID)


def _median_prices(paid: Parts, held_out: datetime.datetime | None) -> pl.DataFrame:
  """product_id and price of the products that were sold before the test split."""
  median = pl.col("paid").median().round(2)
  before = pl.lit(True) if held_out is None else pl.col("timestamp") < held_out
  sold = (
    rows.filter(before).group_by("product_id").agg(price=pl.when(median > 0).then(median))
    for rows in paid.each()
  )
  return pl.concat(sold)
