"""Which of a user's files and columns are what the data contract asks for: by their values first, their names second."""

import dataclasses
import pathlib
from collections.abc import Sequence

import polars as pl

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.logs.checks import EVENTS
from tfrec_combo.logs.columns import Column, File, share

ENOUGH = 0.5  # share of the products of orders that a catalogue must know
FEW = 0.2  # distinct values a row up to which a column of products is a category


@dataclasses.dataclass(frozen=True)
class Joined:
  """Order lines and the orders that they belong to stand in two files; `on`: the column of lines and of heads."""

  lines: list[pathlib.Path]
  heads: list[pathlib.Path]
  on: tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Proposal:
  """products, events: the files of each table. product_columns, event_columns: contract name -> the user's columns. joined: where
  events must be put together first; event_columns are then those of the joined table. unused: columns that are left out."""

  products: list[File]
  events: list[File]
  product_columns: dict[str, list[Column]]
  event_columns: dict[str, list[Column]]
  joined: Joined | None
  unused: list[Column]


def propose(files: Sequence[File]) -> Proposal:
  """The most likely reading of the files.

  Raises:
    DataError: no file of them can be a catalogue of products, or none its order lines; it says what each lacks.
  """
  groups = _stacked(files)
  key = _product_key(groups)
  if key is None:
    looked = ", ".join(f.path.name for f in files)
    way_out = (
      "add the catalogue, with a column of product ids, or write the config by hand (README, Your own data)"
    )
    rule = "must hold a catalogue, one row a product, and order lines that name its products"
    raise DataError(fault("files", rule, looked, way_out))
  lines, catalogue, in_lines, own = key
  more = [g for g in groups if g not in (lines, catalogue)]
  products = [catalogue[0]] + [g[0] for g in more if _also_products(g[0], own)]
  heads, on = _heads(lines[0], in_lines, [g for g in more if g[0] not in products])
  event_files = [lines, *([heads] if heads else [])]
  event_columns = _of_events(
    [c for g in event_files for c in g[0].columns], in_lines, [g[0] for g in event_files], on
  )
  product_columns = _of_products(products, own)
  joined = Joined([f.path for f in lines], [f.path for f in heads], on) if heads and on else None
  used = {id(c) for chosen in (event_columns, product_columns) for cs in chosen.values() for c in cs}
  skipped = {own.name, *(on or ())}
  every = [c for f in (*products, *(g[0] for g in event_files)) for c in f.columns]
  unused = [c for c in every if id(c) not in used and c.name not in skipped]
  return Proposal(products, [*lines], product_columns, event_columns, joined, unused)


def _stacked(files: Sequence[File]) -> list[list[File]]:
  """Files of the same columns are parts of one table."""
  groups: dict[tuple[str, ...], list[File]] = {}
  for file in files:
    groups.setdefault(tuple(c.name for c in file.columns), []).append(file)
  return list(groups.values())


def _product_key(
  groups: list[list[File]],
) -> tuple[list[File], list[File], Column, Column] | None:
  """The order lines, the catalogue, and the columns of either that name a product: where most of a column's values are among
  those of a column that never repeats."""
  best, found = (ENOUGH, 0.0), None
  for catalogue in groups:
    for own in catalogue[0].columns:
      if not own.unique or own.is_time:
        continue
      ids = own.values.cast(pl.String).implode()
      for lines in groups:
        for column in lines[0].columns if lines is not catalogue else ():
          if column.unique or column.is_time or not column.distinct:
            continue
          known = share(column.values.cast(pl.String).unique().is_in(ids))
          # Of an order's own table the lines name each order, too: products have texts, and lie in many orders.
          score = (
            known
            + own.says("product_id")
            + column.says("product_id")
            - own.says("order_id")
            - own.says("user_id")
          )
          score += 0.5 * any(
            c.words > 1.3 and c.numbers < 0.5 and not c.is_time for c in catalogue[0].columns
          )
          score -= 0.5 * any(c.is_time for c in catalogue[0].columns)
          if known > ENOUGH and (score, len(column.values)) > best:
            best, found = (score, float(len(column.values))), (lines, catalogue, column, own)
  return found


def _also_products(file: File, own: Column) -> bool:
  """Whether a file says more of the same products, under the same name of the id."""
  column = next((c for c in file.columns if c.name == own.name), None)
  if column is None or not column.unique:
    return False
  return share(own.values.cast(pl.String).is_in(column.values.cast(pl.String).implode())) > ENOUGH


def _heads(
  lines: File, product: Column, others: list[list[File]]
) -> tuple[list[File], tuple[str, str] | None]:
  """Where the lines have no time, a table of orders that has one, and the columns by which the two meet."""
  if any(c.is_time for c in lines.columns):
    return [], None
  best, found, on = ENOUGH, [], None
  for group in others:
    if not any(c.is_time for c in group[0].columns):
      continue
    for own in group[0].columns:
      if not own.unique or own.is_time:
        continue
      ids = own.values.cast(pl.String).implode()
      for column in lines.columns:
        if column.name != product.name:
          known = share(column.values.cast(pl.String).unique().is_in(ids))
          if known > best:
            best, found, on = known, group, (column.name, own.name)
  return found, on


def _of_events(
  columns: list[Column], product: Column, files: list[File], on: tuple[str, str] | None
) -> dict[str, list[Column]]:
  chosen: dict[str, list[Column]] = {"product_id": [product]}
  left = [c for c in columns if c is not product and len(c.values)]
  take = lambda name, column: chosen.update({name: [column]}) or left.remove(column)  # type: ignore[func-returns-value]
  times = [c for c in left if c.is_time]
  if times:
    take("timestamp", max(times, key=lambda c: (c.says("timestamp"), c.distinct)))
  kinds = [
    c
    for c in left
    if c.values.dtype == pl.String and set(c.values.str.to_lowercase().unique()) <= set(EVENTS)
  ]
  if kinds:
    take("event", kinds[0])
  if on:  # the key by which lines and orders meet
    head = next(c for c in left if c.name == on[1] and c.path == files[1].path)
    take("order_id", head)
    left = [c for c in left if not (c.name == on[0] and c.path == files[0].path)]
  elif order := _order(files[0], left, chosen.get("timestamp")):
    take("order_id", order)
  users = [c for c in left if c.is_id and c.distinct > 1 and _may_own(c, chosen.get("order_id"), files)]
  users = [c for c in users if not (c.says("quantity") or c.says("price")) or c.says("user_id")]
  if users:
    take("user_id", max(users, key=lambda c: (c.says("user_id"), not c.says("context"), c.distinct)))
  for name in ("quantity", "price"):
    numeric = [c for c in left if c.numbers > 0.95 and (c.whole > 0.9 if name == "quantity" else True)]
    # Without a word in the name, small whole numbers of lines are pieces, and fractions money.
    small = lambda c: c.path == files[0].path and c.distinct < 200 and 1 in _whole(c)
    likely = [c for c in numeric if c.says(name)] or [
      c for c in numeric if (small(c) if name == "quantity" else c.whole < 0.8)
    ]
    if likely:
      take(name, max(likely, key=lambda c: c.whole if name == "quantity" else -c.whole))
  context = [c for c in left if c.says("context") and c.distinct < 200]
  if context:
    take("context", context[0])
  return chosen


def _order(file: File, left: list[Column], time: list[Column] | None) -> Column | None:
  """The column that names orders: each of its values stands for one day, and some for several lines."""
  found: list[tuple[tuple[float, ...], Column]] = []
  for c in left:
    if not c.is_id or c.repeats < 1.02 or c.distinct < 3 or c.says("quantity") or c.says("price"):
      continue
    days = 1.0
    if time and time[0].path == c.path:
      moment = pl.col(time[0].name).cast(pl.String).str.slice(0, 10)
      of_order = file.frame.group_by(c.name).agg(moment.n_unique().alias("days"))
      days = share(of_order["days"] == 1)
    if days > 0.97 or c.says("order_id"):
      found.append(((float(c.says("order_id")), -float(c.says("user_id")), float(c.distinct)), c))
  return max(found, key=lambda pair: pair[0])[1] if found else None


def _may_own(column: Column, order: list[Column] | None, files: list[File]) -> bool:
  """Whether each order is of one value of the column."""
  file = next(f for f in files if f.path == column.path)
  if not order or order[0].path != column.path or order[0].unique:
    return True
  owners = file.frame.group_by(order[0].name).agg(pl.col(column.name).n_unique().alias("n"))
  return share(owners["n"] == 1) > 0.99


def _chain(kinds: list[Column], files: list[File]) -> list[Column]:
  """The longest row of columns, the widest first, of which each value of one stands below one value of the one before, as an
  aisle does in a department. Of equal ones that which has more categories by name."""
  best: list[Column] = []
  ordered = sorted(kinds, key=lambda c: c.distinct)
  for start in range(len(ordered)):
    chain = [ordered[start]]
    for c in ordered[start + 1 :]:
      if c.path == chain[-1].path and c.distinct > chain[-1].distinct and _below(c, chain[-1], files):
        chain.append(c)
    named = lambda row: sum(c.says("category") for c in row)
    if (len(chain), named(chain)) > (len(best), named(best)):
      best = chain
  return best


def _below(column: Column, wider: Column, files: list[File]) -> bool:
  """Whether nearly all values of a column stand below one value of a wider one."""
  frame = next(f.frame for f in files if f.path == column.path)
  parents = frame.group_by(column.name).agg(pl.col(wider.name).n_unique().alias("n"))
  return share(parents["n"] == 1) > 0.9


def _whole(column: Column) -> set[int]:
  """Its most frequent value, as a whole number."""
  top = column.values.cast(pl.Float64, strict=False).drop_nulls().value_counts(sort=True)
  return {int(top[0, 0])} if len(top) else set()


def _of_products(files: list[File], own: Column) -> dict[str, list[Column]]:
  chosen, columns = {"product_id": [own]}, [c for f in files for c in f.columns]
  left = [c for c in columns if c.name != own.name and len(c.values) and not c.is_time]
  prices = [c for c in left if c.numbers > 0.95 and c.says("price")]
  if prices:
    chosen["price"] = [max(prices, key=lambda c: len(c.values))]
  words = [c for c in left if c.numbers < 0.5 and c.values.dtype == pl.String]
  paths = [c for c in words if c.values.str.contains(r" ?> ?").mean() or 0]
  # In a small catalogue half as many categories as products are usual.
  few = lambda c: c.distinct < max(FEW * c.rows, min(c.rows / 2, 200))
  kinds = [c for c in words if few(c) and c.distinct > 1 and (c.says("category") or not c.says("text"))]
  kinds += [c for c in words if c not in kinds and c.repeats > 1.25 and not c.says("text")]
  chain = _chain(kinds, files)
  if paths:
    chosen["category"] = paths[:1]
  elif chain:
    chosen["category"] = chain[-3:]
  texts = [c for c in words if c not in chosen.get("category", []) and (c.says("text") or c.words > 1.3)]
  texts.sort(key=lambda c: (not c.says("text"), -c.distinct))
  # Where no column is a title, what a product is stands in its categories.
  titled = any(c.distinct > c.rows / 2 for c in texts)
  chosen["text"] = ([] if titled else chain[:-3:-1]) + texts[:4]
  return {name: cs for name, cs in chosen.items() if cs}
