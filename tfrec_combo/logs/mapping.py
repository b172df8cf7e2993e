"""Which columns of a table are what the data contract asks for: by their values first, their names second."""

import polars as pl

from tfrec_combo.logs.checks import EVENTS
from tfrec_combo.logs.columns import Column, File, share

FEW = 0.2  # distinct values a row up to which a column of products is a category


def of_events(
  columns: list[Column], product: Column, files: list[File], on: tuple[str, str] | None
) -> dict[str, list[Column]]:
  """Contract name -> the columns of order lines, and of their orders' table, that stand for it.

  product: the column that names products. files: of lines, and of orders where `on` joins the two.
  """
  chosen: dict[str, list[Column]] = {"product_id": [product]}
  left = [c for c in columns if c is not product and len(c.values)]

  def take(name: str, column: Column) -> None:
    chosen[name] = [column]
    left[:] = [c for c in left if c is not column]

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
    left[:] = [c for c in left if not (c.name == on[0] and c.path == files[0].path)]
  elif order := _order(files[0], left, chosen.get("timestamp")):
    take("order_id", order)
  users = [c for c in left if c.is_id and c.distinct > 1 and _may_own(c, chosen.get("order_id"), files)]
  users = [c for c in users if not (c.says("quantity") or c.says("price")) or c.says("user_id")]
  if users:
    take("user_id", max(users, key=lambda c: (c.says("user_id"), not c.says("context"), c.distinct)))
  for name in ("quantity", "price"):
    numeric = [c for c in left if c.numbers > 0.95 and (c.whole > 0.9 if name == "quantity" else True)]
    # Without a word in the name, small whole numbers of lines are pieces, and fractions money.
    small = lambda c: c.path == files[0].path and c.distinct < 200 and _usual(c) == 1
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


def _usual(column: Column) -> float | None:
  """Its most frequent number."""
  found = column.values.cast(pl.Float64, strict=False).drop_nulls().mode().sort()
  return found[0] if len(found) else None


def of_products(files: list[File], own: Column) -> dict[str, list[Column]]:
  """Contract name -> the catalogue's columns that stand for it; `own` is its key."""
  chosen, columns = {"product_id": [own]}, [c for f in files for c in f.columns]
  left = [c for c in columns if c.name != own.name and len(c.values) and not c.is_time]
  prices = [c for c in left if c.numbers > 0.95 and c.says("price")]
  # Without a word in the name, the one column of fractions that may be money is the price; of several, any may be a weight.
  money = [c for c in left if c.is_money]
  if prices:
    chosen["price"] = [max(prices, key=lambda c: len(c.values))]
  elif len(money) == 1:
    chosen["price"] = money
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
  # Where no column is a title, what a product is stands in its categories. Sizes and brands are called texts, too, but are few.
  titled = any(c.distinct > c.rows / (5 if c.says("text") else 2) for c in texts)
  chosen["text"] = ([] if titled else chain[:-3:-1]) + texts[:4]
  return {name: cs for name, cs in chosen.items() if cs}
