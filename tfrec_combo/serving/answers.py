"""What a model's output arrays say to one request, pads left out."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.serving.signature import Signature

REASON = ("reasons", "goes_with_ids", "bought_together")
PRODUCT = ("product_ids", "scores", "prices", *REASON)
RANKED = ("product_ids", "bundle_ids")  # outputs that hold a ranking


@dataclasses.dataclass(frozen=True)
class Product:
  """One answered product. price is None where unknown; reason says why it is answered, goes_with names the product it goes with
  best, bought with it in `bought_together` orders; None where there is none or the signature does not say."""

  product_id: str
  score: float
  price: float | None
  reason: str | None = None
  goes_with: str | None = None
  bought_together: int | None = None


@dataclasses.dataclass(frozen=True)
class Combination:
  """One answered set: its members, what the known prices add up to, score. A member's own score is what it adds to the set's."""

  members: tuple[Product, ...]
  total: float
  score: float

  @property
  def product_ids(self) -> tuple[str, ...]:
    """Of the members."""
    return tuple(m.product_id for m in self.members)


def check_k(name: str, signature: Signature, k: int) -> None:
  """Raises a DataError when signature `name` ranks neither products nor bundles, or answers fewer than `k` of them."""
  ranked = next((r for r in RANKED if r in signature.outputs), None)
  if ranked is None:
    way_out = "use recommend, complete_basket or recommend_bundles"
    raise DataError(fault("signature", "must rank products or bundles", name, way_out))
  most = signature.outputs[ranked].shape[1] or 0
  if not 1 <= k <= most:
    way_out = "ask for fewer, or export the model with a larger `export.k`"
    raise DataError(fault("-k", f"must be 1 to {most}, what this model answers", k, way_out))


def ids(outputs: Mapping[str, np.ndarray], row: int, k: int, without: Collection[str] = ()) -> list[str]:
  """The k best ids of one request, of products or of bundles, best first; fewer where the model has no more."""
  ranked = next(outputs[r] for r in RANKED if r in outputs)
  found = [i.decode() for i in ranked[row] if i]
  return [i for i in found if i not in without][:k] if without else found[:k]


def products(
  outputs: Mapping[str, np.ndarray], row: int, k: int, without: Collection[str] = ()
) -> list[Product]:
  """The k best products of one request, best first."""
  found = _products({name: outputs[name][row] for name in PRODUCT if name in outputs})
  return [p for p in found if p.product_id not in without][:k]


def combinations(
  outputs: Mapping[str, np.ndarray], row: int, without: Collection[str] = ()
) -> list[Combination]:
  """The sets answered to one request, best first; none where no set fits it."""
  names = {"set_ids": "product_ids", "contributions": "scores", "set_prices": "prices"}
  names |= {name: name for name in REASON}
  found = []
  for place in range(len(outputs["set_ids"][row])):
    members = _products({of: outputs[name][row][place] for name, of in names.items() if name in outputs})
    if members and not any(m.product_id in without for m in members):
      total, score = (float(outputs[name][row][place]) for name in ("totals", "set_scores"))
      found.append(Combination(tuple(members), total, score))
  return found


def status(outputs: Mapping[str, np.ndarray], row: int) -> str:
  """Why a request for sets got none, in the model's word; "ok" where it got some."""
  return outputs["status"][row].decode() if "status" in outputs else ""


def _products(columns: Mapping[str, np.ndarray]) -> list[Product]:
  count = len(columns["product_ids"])
  empty = {"scores": [0.0] * count, "reasons": [b""] * count}
  empty |= {"goes_with_ids": [b""] * count, "bought_together": [0.0] * count}
  read: dict[str, Any] = {**empty, **columns}
  return [
    Product(
      i.decode(),
      float(score),
      _price(price),
      why.decode() or None,
      other.decode() or None,
      int(n) if other else None,
    )
    for i, score, price, why, other, n in zip(*(read[name] for name in PRODUCT))
    if i
  ]


def _price(price: float) -> float | None:
  # float32 has 7 digits: 2.4900000095 is the catalogue's 2.49.
  return round(float(price), 2) if price > 0 else None
