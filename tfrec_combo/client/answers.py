"""A signature's output arrays -> products, sets and bundles, pads left out."""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np

Outputs = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Product:
  """One answered product. price is None where unknown. reason: why it is there; goes_with: the product that is meant by it,
  bought with it in `bought_together` orders; each None where the model does not say. contribution: in a set, what it
  adds to the set's score."""

  product_id: str
  score: float | None = None
  price: float | None = None
  reason: str | None = None
  goes_with: str | None = None
  bought_together: int | None = None
  contribution: float | None = None


@dataclasses.dataclass(frozen=True)
class ProductSet:
  """Products that go together, what the known prices add up to, and the set's score."""

  products: tuple[Product, ...]
  total: float
  score: float


@dataclasses.dataclass(frozen=True)
class Combined:
  """Sets, best first. status: "ok", or why there is none; None where the model does not say."""

  sets: tuple[ProductSet, ...]
  status: str | None = None


@dataclasses.dataclass(frozen=True)
class RankedBundle:
  """A bundle that was asked about: its place among them, its score, what its known prices add up to, what each product adds to
  the score (None where the model does not say), and how many of its products the catalogue does not have."""

  index: int
  product_ids: tuple[str, ...]
  score: float
  total: float | None = None
  contributions: tuple[float, ...] | None = None
  unknown: int | None = None


def products(outputs: Outputs, k: int, without: Collection[str] = ()) -> list[Product]:
  """The k best products of the one row, best first."""
  row = {name: value[0] for name, value in outputs.items()}
  found = [
    Product(
      product_id,
      float(row["scores"][i]),
      _price(row["prices"][i]) if "prices" in row else None,
      **_because(row, i),
    )
    for i, product_id in enumerate(row["product_ids"])
    if product_id and product_id not in without
  ]
  return found[:k]


def combined(outputs: Outputs, without: Collection[str] = ()) -> Combined:
  """The sets of the one row, best first."""
  row = {name: value[0] for name, value in outputs.items()}
  found = []
  for c, ids in enumerate(row["set_ids"]):
    members = tuple(
      Product(
        product_id,
        price=_price(row["set_prices"][c, m]) if "set_prices" in row else None,
        contribution=float(row["contributions"][c, m]) if "contributions" in row else None,
        **_because(row, (c, m)),
      )
      for m, product_id in enumerate(ids)
      if product_id
    )
    if members and not any(p.product_id in without for p in members):
      found.append(ProductSet(members, float(row["totals"][c]), float(row["set_scores"][c])))
  return Combined(tuple(found), str(row["status"]) if "status" in row else None)


def bundles(asked: list[list[str]], outputs: Outputs) -> list[RankedBundle]:
  """The bundles that were asked about, best first; rows and columns of the outputs in the order they were asked in."""
  flat = {name: value.reshape(-1, *value.shape[2:]) for name, value in outputs.items()}
  found = [
    RankedBundle(
      i,
      tuple(ids),
      float(flat["set_scores"][i]),
      float(flat["totals"][i]) if "totals" in flat else None,
      tuple(map(float, flat["contributions"][i, : len(ids)])) if "contributions" in flat else None,
      int(flat["unknown"][i]) if "unknown" in flat else None,
    )
    for i, ids in enumerate(asked)
  ]
  return sorted(found, key=lambda bundle: -bundle.score)


def _because(row: Outputs, place: int | tuple[int, int]) -> dict:
  reason = str(row["reasons"][place]) if "reasons" in row else ""
  goes_with = str(row["goes_with_ids"][place]) if "goes_with_ids" in row else ""
  together = int(row["bought_together"][place]) if goes_with and "bought_together" in row else None
  return {"reason": reason or None, "goes_with": goes_with or None, "bought_together": together}


def _price(price: float) -> float | None:
  # float32 has 7 digits: 2.4900000095 is the catalogue's 2.49.
  return round(float(price), 2) if price > 0 else None
