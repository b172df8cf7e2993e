"""A proposal as a commented YAML config."""

import datetime
import json
import pathlib

import polars as pl

from tfrec_combo.base.files import written_aside
from tfrec_combo.base.settings import Split
from tfrec_combo.logs import formats, parsing
from tfrec_combo.logs.columns import Column
from tfrec_combo.logs.proposal import Joined, Proposal
from tfrec_combo.logs.readers import CONTRACTS

MEANING = {
  "product_id": "as the catalogue names it",
  "text": "joined with spaces; what the language model reads",
  "category": "the levels of the path, the widest first",
  "user_id": "who buys",
  "order_id": "what is bought together; left out, a shopper's day is one order",
  "timestamp": "ISO, 31.12.2024 with or without a time, or seconds or milliseconds since 1970",
  "event": "view, click, cart or purchase",
  "context": "any tag, such as a store",
  "price": "of one piece; where there is a quantity, of the whole line",
  "quantity": "pieces",
}


def text(found: Proposal, name: str, folder: pathlib.Path, joined: pathlib.Path | None) -> str:
  """The config. Paths are relative to `folder`, where it will stand. joined: the file that `join` wrote."""
  products = [f.path for f in found.products]
  events = [joined] if joined else [f.path for f in found.events]
  lines = [
    "# Proposed by `tfrec-combo init` from the files below: check what stands right of each colon, your names.",
    "# `tfrec-combo prepare --config` on this file checks every row and tells what breaks a rule.",
    f"name: {name}",
    "",
    "data:",
    "  source: tables",
    *_table("products", products, found.product_columns, folder),
    *_table("events", events, found.event_columns, folder),
  ]
  missing = [c for c in CONTRACTS["events"].required if c not in found.event_columns]
  if "timestamp" in missing:
    lines.append(
      "      timestamp: [] # no column of times was found: orders are then split by a hash of their id"
    )
  if "user_id" in missing:
    lines.append(
      "      user_id: ??? # no column of shoppers was found; where there is none, repeat the order's"
    )
  lines += [*_split(found, joined), *_unused(found.unused)]
  return "\n".join(lines) + "\n"


def join(found: Joined, path: pathlib.Path) -> pathlib.Path:
  """Writes order lines with what their orders say, as Parquet; columns of lines win where both have one."""
  heads = pl.concat([_strings(p) for p in found.heads], how="diagonal")
  lines = pl.concat([_strings(p) for p in found.lines], how="diagonal")
  on, own = found.on
  # One file may hold as numbers what the other writes as text.
  lines, heads = (
    lines.with_columns(pl.col(on).cast(pl.String)),
    heads.with_columns(pl.col(own).cast(pl.String)),
  )
  both = [c for c in heads.columns if c in lines.columns and c != own]
  whole = lines.join(
    heads.drop(both), left_on=on, right_on=own, how="left", maintain_order="left", coalesce=False
  )
  with written_aside(path) as aside:
    whole.write_parquet(aside)
  return path


def _strings(path: pathlib.Path) -> pl.DataFrame:
  frame = formats.collect(path, formats.scan(path, formats.columns_of(path)))
  return frame.drop(formats.RECORD)


def _table(
  table: str, paths: list[pathlib.Path], columns: dict[str, list[Column]], folder: pathlib.Path
) -> list[str]:
  names = [json.dumps(_relative(p, folder)) for p in paths]
  lines = [
    f"  {table}:",
    f"    path: {names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'}",
    "    columns:",
  ]
  order = (*CONTRACTS[table].required, *CONTRACTS[table].optional)
  for name in sorted(columns, key=order.index):
    theirs = [json.dumps(c.name, ensure_ascii=False) for c in columns[name]]
    value = theirs[0] if len(theirs) == 1 else "[" + ", ".join(theirs) + "]"
    seen = ", ".join(columns[name][0].examples())
    lines.append(f"      {name}: {value} # {MEANING[name]}; such as {json.dumps(seen, ensure_ascii=False)}")
  return lines


def _relative(path: pathlib.Path, folder: pathlib.Path) -> str:
  path, folder = path.resolve(), folder.resolve()
  return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _split(found: Proposal, joined: pathlib.Path | None) -> list[str]:
  """Shorter windows for a log that the usual ones would use up."""
  usual, column = Split(), found.event_columns.get("timestamp")
  if not column:
    return ["", "split:", "  hash_share: 0.1 # of the orders, held out for each use"]
  name = column[0].name
  # Of all files: each of a log by months holds another month.
  files = [pl.read_parquet(joined, columns=[name])] if joined else [f.frame for f in found.events]
  moments = pl.concat([parsing.times(frame[name]) for frame in files]).drop_nulls()
  first, last = moments.min(), moments.max()
  assert isinstance(first, datetime.datetime)
  assert isinstance(last, datetime.datetime)
  days = (last - first).days + 1
  told = f"# the sampled rows run from {first:%Y-%m-%d} to {last:%Y-%m-%d}, {days} days"
  wanted = usual.test_days + usual.valid_days + usual.rank_days
  if days > 2 * wanted:
    return ["", told]
  share = lambda part: max(1, round(part * days / (2 * wanted)))
  windows = {n: share(getattr(usual, n)) for n in ("test_days", "valid_days", "rank_days")}
  return ["", told, "split:", *(f"  {name}: {value}" for name, value in windows.items())]


def _unused(columns: list[Column]) -> list[str]:
  if not columns:
    return []
  told = [f"#   {c.path.name}: {c.name} ({', '.join(c.examples())})" for c in columns]
  return [
    "",
    "# Columns that no part of the model reads as it stands; further ones may join `text` or `category`:",
    *told,
  ]
