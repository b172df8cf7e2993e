"""The catalogue of a version folder for people to look at: products by words and by id, categories by words, shoppers to try."""

import pathlib
from collections.abc import Sequence
from typing import Any

import polars as pl

from tfrec_combo.base.errors import ModelError
from tfrec_combo.serving import golden
from tfrec_combo.serving.products import TABLE

STEP = " > "  # between the levels of a category's path
MOST_WORDS = 16  # of a search that are looked for

Product = dict[str, Any]


def search(folder: pathlib.Path, words: str, limit: int) -> tuple[list[Product], int]:
  """The first `limit` products whose id, text and category hold every one of `words`, and how many there are.

  Products whose id is one of the words come first, then those whose text begins with the words; shorter texts first.

  Raises:
    ModelError: the version has no product table, or it cannot be read.
  """
  said = words.lower().split()[:MOST_WORDS]
  everything = pl.concat_str([pl.col(c) for c in ("product_id", "text", "category")], separator="\n")
  found = pl.all_horizontal(
    [everything.str.to_lowercase().str.contains(w, literal=True) for w in said] or True
  )
  named = pl.col("product_id").str.to_lowercase().is_in(said or [""])
  begins = pl.col("text").str.to_lowercase().str.starts_with(" ".join(said))
  order = [~named, ~begins, pl.col("text").str.len_chars(), pl.col("product_id")]
  rows = _read(folder, lambda table: table.filter(named if _ids_alone(folder, said) else found))
  return rows.sort(order).head(limit).to_dicts(), len(rows)


def by_id(folder: pathlib.Path, ids: Sequence[str]) -> list[Product]:
  """Those of `ids` that the catalogue has, in no order.

  Raises:
    ModelError: the version has no product table, or it cannot be read.
  """
  wanted = pl.Series("product_id", sorted(set(ids)), pl.String)
  return _read(folder, lambda table: table.filter(pl.col("product_id").is_in(wanted.implode()))).to_dicts()


def categories(folder: pathlib.Path, words: str, limit: int) -> list[dict[str, Any]]:
  """Category paths, and paths above them, that hold every one of `words`: {"category", "products"}, the largest first.

  Raises:
    ModelError: the version has no product table, or it cannot be read.
  """
  sizes: dict[str, int] = {}
  for path in _read(folder, lambda table: table)["category"]:
    steps = path.split(STEP)
    for depth in range(1, len(steps) + 1):
      above = STEP.join(steps[:depth])
      if above:
        sizes[above] = sizes.get(above, 0) + 1
  said = words.lower().split()
  found = [(-n, c) for c, n in sizes.items() if all(w in c.lower() for w in said)]
  return [{"category": c, "products": -n} for n, c in sorted(found)[:limit]]


def shoppers(folder: pathlib.Path) -> list[dict[str, list]]:
  """The different shoppers among the golden requests that a version brings: {"history_ids", "history_days"}, newest first."""
  try:
    asked = golden.requests(folder)
  except ModelError:
    return []
  found: list[dict[str, list]] = []
  for inputs, _ in asked.values():
    for ids, days in zip(inputs.get("history_ids", ()), inputs.get("history_days", ())):
      lines = [(i.decode(), round(float(d), 2)) for i, d in zip(ids, days) if i]
      one: dict[str, list] = {"history_ids": [i for i, _ in lines], "history_days": [d for _, d in lines]}
      if lines and one not in found:
        found.append(one)
  return found


def _ids_alone(folder: pathlib.Path, said: list[str]) -> bool:
  """Whether every word is a product's id: then a search means these products."""
  if not said:
    return False
  named = pl.col("product_id").str.to_lowercase().is_in(said)
  return len(_read(folder, lambda table: table.filter(named))) == len(set(said))


def _read(folder: pathlib.Path, of) -> pl.DataFrame:
  path = pathlib.Path(folder) / TABLE
  if not path.is_file():
    raise ModelError(f"{folder} has no {TABLE}; export the model again to see its products")
  text = lambda name: pl.col(name).cast(pl.String).fill_null("")
  price = pl.when((pl.col("price") > 0) & pl.col("price").is_finite()).then(pl.col("price")).alias("price")
  try:
    # Lazily: a catalogue of millions costs the rows that are found.
    table = pl.scan_parquet(path).select(text("product_id"), text("text"), text("category"), price)
    return of(table).collect()
  except (pl.exceptions.PolarsError, OSError) as e:
    reason = " ".join(str(e).split())[:200]
    raise ModelError(f"{path} cannot be read: {reason}; export the model again") from e
