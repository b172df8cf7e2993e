"""A proposal as files: tables for programs and merchandisers, and a page."""

import os
import pathlib
from collections.abc import Mapping, Sequence

import polars as pl

from tfrec_combo.base.files import write_json, written_aside
from tfrec_combo.evaluation.page import page
from tfrec_combo.evaluation.parts import Code, Part, Plot, Section
from tfrec_combo.evaluation.tables import Table
from tfrec_combo.merchandising.pictures import NETWORK, figures
from tfrec_combo.merchandising.proposal import COLUMNS, Proposal

WORDS = 160  # characters of a bundle's texts on the page


def write(folder: str | os.PathLike[str], found: Proposal, products: pl.DataFrame, run: Mapping) -> None:
  """Writes into `folder`, each whole or not at all: bundles.csv and bundles.parquet, a bundle a row; bundle_products.csv
  (bundle_id, product_id), which a config's `data.bundles` reads; bundles.html; and bundles.json, how far to trust it.

  products: the catalogue, product_id and text. run: facts for the page, each optional: name, versions (package -> version)
  and config (YAML text).
  """
  folder = pathlib.Path(folder)
  ids = products["product_id"].to_list()
  names = found.table["bundle_id"].to_list()
  members = [(name, ids[row]) for name, bundle in zip(names, found.bundles) for row in bundle]
  with written_aside(folder / "bundles.csv") as aside:
    found.table.write_csv(aside)
  with written_aside(folder / "bundles.parquet") as aside:
    found.table.write_parquet(aside)
  with written_aside(folder / "bundle_products.csv") as aside:
    schema = {"bundle_id": pl.String, "product_id": pl.String}
    pl.DataFrame(members, schema=schema, orient="row").write_csv(aside)
  told = {
    "orders": found.orders,
    "held_out": found.held_out,
    "candidates": found.candidates,
    "bundles": len(found.bundles),
    "unmet_pins": [[ids[row] for row in pin] for pin in found.unmet],
    "calibration": found.calibration,
    "calibration_of_list": found.of_list,
    "columns": COLUMNS,
  }
  write_json(folder / "bundles.json", told)
  texts = [text or product for text, product in zip(products["text"].fill_null(""), ids)]
  text = page(f"Bundles: {run.get('name', 'shop')}", headline(found), _sections(found, ids, texts, run))
  with written_aside(folder / "bundles.html") as aside:
    aside.write_text(text, encoding="utf-8")


def _sections(found: Proposal, ids: Sequence[str], texts: Sequence[str], run: Mapping) -> list[Section]:
  pictures: list[Part] = [
    Plot(title, figure, in_words=title != NETWORK) for title, figure in figures(found, texts)
  ]
  lists: list[Part] = [*_tables(found, ids)]
  versions: list[Part] = [run["versions"]] if run.get("versions") else []
  config: list[Part] = [Code(run["config"])] if run.get("config") else []
  parts = [
    ("The list", lists[:1], False),
    ("Pictures", pictures, False),
    ("How far to trust it", lists[1:], False),
  ]
  parts += [("Versions", versions, True), ("Config", config, True)]
  return [Section(title, inside, folded) for title, inside, folded in parts if inside]


def headline(found: Proposal) -> str:
  """The sentences to take away."""
  said = [
    f"{len(found.bundles)} bundles, chosen from {found.candidates:,} sets that {found.orders:,} orders speak for."
  ]
  for row in found.of_list:
    expected, *seen = (row["sets"] * row[name] for name in ("expected", "seen", "low", "high"))
    said.append(
      f"In the {found.held_out:,} held-out orders they were expected {expected:,.0f} times and are there "
      f"{seen[0]:,.0f} times (95 % interval {seen[1]:,.0f} to {seen[2]:,.0f})."
    )
  if found.unmet:
    said.append(f"No bundle could hold {len(found.unmet)} of the pins.")
  return " ".join(said)


def _tables(found: Proposal, ids: Sequence[str]) -> list[Table]:
  rows = [
    [
      row["bundle_id"],
      row["status"],
      row["source"],
      row["texts"] if len(row["texts"]) <= WORDS else row["texts"][: WORDS - 1] + "…",
      row["products"],
      _number(row["price"], 2),
      f"{row['orders']:,}",
      _number(row["confidence"], 3),
      _number(row["lift"], 1),
      _number(row["take_up"], 2),
      _number(row["extra"], 2),
      "–" if row["held_out"] is None else f"{row['held_out']:,}",
    ]
    for row in found.table.iter_rows(named=True)
  ]
  head = ["bundle", "status", "source", "what", "products", "price", "orders", "confidence", "lift"]
  head += ["take-up", "extra", "held out"]
  note = (
    "Orders: those that hold all products. Confidence: of the orders with the rarest product, the share that holds the rest. "
    "Take-up: expected orders of 1,000 to come. Extra: products sold beyond chance, of 1,000 orders; the list is ranked by it. "
    "Held out: orders with all products among those that nothing was learnt from."
  )
  tables = [Table("The list", note, head, rows, numbers=5)]
  if found.unmet:
    pins = [[", ".join(ids[row] for row in pin)] for pin in found.unmet]
    note = "No bundle holds these without a substitute, a banned set or too much in common with the rest."
    tables.append(Table("Pins that are not met", note, ["products"], pins))
  lines = [*found.calibration, *found.of_list]
  if lines:
    names = [f"part {i}" for i in range(1, len(found.calibration))]
    names += ["all that was mined"] * bool(found.calibration) + ["the list"] * len(found.of_list)
    cells = [
      [name, f"{row['sets']:,}", *(_number(row[key], 3) for key in ("expected", "seen", "low", "high"))]
      for name, row in zip(names, lines)
    ]
    note = (
      f"Orders a set in {found.held_out:,} held-out orders. Low and high: 95 % Poisson interval of what was seen; sets share "
      "orders, so the truth is wider."
    )
    tables.append(
      Table("Calibration of take-up", note, ["sets", "n", "expected", "seen", "low", "high"], cells)
    )
  return tables


def _number(value: float | None, digits: int) -> str:
  return "–" if value is None else f"{value:,.{digits}f}"
