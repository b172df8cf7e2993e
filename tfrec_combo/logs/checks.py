"""The rules of the data contract, checked over whole columns by a pandera schema; every fault at once."""

import dataclasses
import datetime
import functools
import operator
import pathlib
from collections.abc import Mapping, Sequence

import pandera.polars as pa
import polars as pl

from tfrec_combo.logs import formats, parsing, readers
from tfrec_combo.logs.faults import Fault, FaultReport
from tfrec_combo.logs.parts import Parts

EVENTS = ("view", "click", "cart", "purchase")

EARLIEST = datetime.datetime(1900, 1, 1)

_REQUIRED = "must not be null or empty"
_PARSED = "/parsed"  # suffix of the typed column beside the one as it was read


@dataclasses.dataclass(frozen=True)
class Rule:
  """`holds` is a row-wise expression over a part's frame; null passes: missing values have their own rule."""

  column: str
  text: str
  holds: pl.Expr


def shared_orders(sources: Sequence[readers.Source], folder: pathlib.Path, count: int) -> pl.Series:
  """The order ids that several users have, over all files of events.

  Pairs of hashes tell which ids to look at, `count` parts of them one at a time in `folder`; then those are looked at.
  """
  names = ["order_id", "user_id"]
  some = [
    dataclasses.replace(source, chosen={name: source.chosen[name] for name in names})
    for source in sources
    if "order_id" in source.chosen
  ]
  named = pl.all_horizontal(pl.col(names) != "")
  pairs = Parts(folder, dict.fromkeys(names, pl.UInt64), "order_id", count)
  for source in some:
    for part in source.batches():
      pairs.add(part.frame.filter(named).select(pl.col(names).hash()).unique())
  suspects = [
    pairs.read(number).unique().filter(pl.col("order_id").is_duplicated())["order_id"].unique()
    for number in range(count)
  ]
  told = pl.concat(suspects)
  if not len(told):
    return pl.Series("order_id", [], dtype=pl.String)
  looked = pl.col("order_id").hash().is_in(told.implode())
  frames = [part.frame.filter(named & looked).select(names).unique() for s in some for part in s.batches()]
  return pl.concat(frames).unique().filter(pl.col("order_id").is_duplicated())["order_id"].unique()


def rules(
  table: str, frame: pl.DataFrame, known: Mapping[str, pl.Series], shared: pl.Series | None = None
) -> list[Rule]:
  """The rules of one table.

  `known`: id column -> the ids its values must be among. `shared`: the order ids that several users have.
  """
  found = []
  for name in frame.columns:
    column, parsed = pl.col(name), pl.col(name + _PARSED)
    required = name in readers.CONTRACTS[table].required and name != "text"
    if required or name == "event":
      found.append(Rule(name, _REQUIRED, column.is_not_null()))
    if name.endswith("_id"):
      blank, broken = column.str.strip_chars() == "", column.str.contains(r"[\n\r]")
      found.append(Rule(name, "must not be blank", ~blank))
      found.append(Rule(name, "must not hold a line break", ~broken))
    if name in known:
      text = f"must be an id of the {name.removesuffix('_id')}s table"
      found.append(Rule(name, text, column.is_in(known[name].implode()) | blank | broken))
    if name == "timestamp":
      text = "must be an ISO time such as 2017-01-31T12:00:00, or seconds or milliseconds since 1970"
      found.append(Rule(name, text, parsed.is_not_null() | column.is_null()))
      # A time that is not known is often written as 9999-12-31 or 0001-01-01, which no split by time survives.
      tomorrow = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(days=1)
      found.append(
        Rule(name, "must lie between 1900-01-01 and tomorrow", parsed.is_between(EARLIEST, tomorrow))
      )
    if name == "order_id" and shared is not None and len(shared):
      found.append(Rule(name, "must belong to one user", ~column.is_in(shared.implode())))
    if name == "event":
      found.append(Rule(name, "must be one of " + ", ".join(EVENTS), parsed.is_in(EVENTS)))
    if name in ("price", "quantity"):
      # A number without quotes, currency or thousands separator.
      found.append(Rule(name, "must be a number such as 12.50", parsed.is_not_null() | column.is_null()))
      found.append(Rule(name, "must be finite", parsed.is_finite()))
    if name == "in_stock":
      text = "must be true, false, or the number in stock"
      found.append(Rule(name, text, parsed.is_not_null() | column.is_null()))
    if name == "price":
      found.append(Rule(name, "must not be negative", parsed >= 0))
    if name == "quantity":
      found.append(Rule(name, "must be above 0 (a return is no purchase)", parsed > 0))
  if table == "products":
    text = "must be unique among products"
    found.append(
      Rule("product_id", text, pl.col("product_id").is_first_distinct() | pl.col("product_id").is_null())
    )
  return found


def check(
  part: readers.Part,
  known: Mapping[str, pl.Series],
  report: FaultReport,
  shared: pl.Series | None = None,
) -> pl.DataFrame:
  """The rows of `part` that break no rule, with typed columns; all faults go into `report`.

  Timestamps come out as UTC without a zone, in microseconds, prices and quantities as Float64, events in
  lower case; a price or quantity that is not a number (NaN) is null. The first row of a duplicate product is
  the one kept.
  """
  frame = part.frame.with_columns(
    pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep()  # CSV cannot tell "" from null
  )
  typed = {name: parsing.typed(name, frame[name]) for name in frame.columns}
  frame = frame.with_columns(s.alias(name + _PARSED) for name, s in typed.items() if s is not None)
  found = _broken(rules(part.table, part.frame, known, shared), frame)
  kept = frame
  if found:
    _tell(part, found, frame, report)
    kept = frame.filter(~functools.reduce(operator.or_, (broken for _, broken in found)))
  report.add_rows(part.table, len(frame), len(kept))
  names = [name for name in part.frame.columns if name != formats.RECORD]
  return kept.select(pl.col(n if typed[n] is None else n + _PARSED).alias(n) for n in names)


def _broken(rules: list[Rule], frame: pl.DataFrame) -> list[tuple[Rule, pl.Series]]:
  """The rules that some row breaks, each with the rows that do."""
  by_column: dict[str, list[pa.Check]] = {}
  for number, rule in enumerate(rules):
    check = pa.Check(lambda data, rule=rule: data.lazyframe.select(rule.holds), error=str(number))
    by_column.setdefault(rule.column, []).append(check)
  schema = pa.DataFrameSchema({c: pa.Column(checks=checks, nullable=True) for c, checks in by_column.items()})
  try:
    schema.validate(frame, lazy=True)
  except pa.errors.SchemaErrors as e:
    found = [(int(error.check.error), ~error.check_output.to_series()) for error in e.schema_errors]
    return [(rules[number], broken) for number, broken in sorted(found, key=lambda pair: pair[0])]
  return []


def _tell(
  part: readers.Part, found: list[tuple[Rule, pl.Series]], frame: pl.DataFrame, report: FaultReport
) -> None:
  """Adds the faults to `report`."""
  for rule, broken in found:
    first = frame.filter(broken).head(report.limit)
    values = first[rule.column].cast(pl.String)
    faults = [
      Fault(part.table, part.path, record, rule.column, value, rule.text)
      for record, value in zip(first[formats.RECORD], values)
    ]
    report.add(faults, int(broken.sum()))
