"""Which of a user's files are the catalogue, the order lines and the orders, and by which columns they meet."""

import dataclasses
import pathlib
from collections.abc import Sequence

import polars as pl

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.logs.columns import Column, File, share
from tfrec_combo.logs.mapping import of_events, of_products

ENOUGH = 0.5  # share of the products of orders that a catalogue must know


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
  event_columns = of_events(
    [c for g in event_files for c in g[0].columns], in_lines, [g[0] for g in event_files], on
  )
  product_columns = of_products(products, own)
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
