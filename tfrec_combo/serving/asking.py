"""One request from plain words, answered with the products' names."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.serving import answers, products
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.model import Model
from tfrec_combo.serving.requests import Bought, Request, check

OF_SETS = (
  "size",
  "size_min",
  "size_max",
  "budget",
  "must_include",
  "one_per_category",
  "allowed_categories",
  "in_stock",
)


@dataclasses.dataclass(frozen=True)
class Answer:
  """Products, or sets where those were asked for, and what is known of them.

  status: the model's word on sets, "ok" or what stands in the way. texts: product id -> text, None where the model came without
  its product table. unknown: ids of the request that the catalogue does not have.
  """

  signature: str
  products: tuple[answers.Product, ...]
  combinations: tuple[answers.Combination, ...]
  texts: dict[str, str] | None
  unknown: tuple[str, ...]
  status: str = ""

  def text(self, product_id: str) -> str:
    """The product's text, "" where unknown."""
    return (self.texts or {}).get(product_id, "")

  def as_dict(self) -> dict[str, Any]:
    """What JSON can hold: {"signature", "unknown", and "products" or "sets"}."""
    found: dict[str, Any] = {"signature": self.signature, "unknown": list(self.unknown)}
    told = lambda p: {"text": self.text(p.product_id), **dataclasses.asdict(p)}
    if self.signature == "combine":
      found["status"] = self.status
      found["sets"] = [
        {"total": c.total, "score": c.score, "members": [told(m) for m in c.members]}
        for c in self.combinations
      ]
    else:
      found["products"] = [{"rank": n, **told(p)} for n, p in enumerate(self.products, 1)]
    return found


def request(
  history: Sequence[str] | None = None,
  basket: Sequence[str] | None = None,
  exclude: Sequence[str] | None = None,
  must_include: Sequence[str] | None = None,
  in_stock: Sequence[str] | None = None,
  **more: Any,
) -> Request:
  """A request from lists as one writes them: each entry is ids joined by commas, in the history with `:DAYS` behind.

  >>> request(history=["17:3.5,18"], basket=["29,30"]).history
  [{'product_id': '17', 'days_ago': 3.5}, {'product_id': '18', 'days_ago': 0.0}]

  Raises:
    DataError: a value breaks a rule of `Request`.
  """
  lines = [_bought(entry) for entry in _split(history)]
  lists = {"basket": basket, "exclude": exclude}
  wishes = {"must_include": must_include, "in_stock": in_stock}
  ids = {name: _split(given) for name, given in lists.items()}
  ids |= {name: _split(given) for name, given in wishes.items() if given is not None}
  return check({"history": lines, **ids, **more})


def ask(model: Model, asked: Request, k: int = 10, combine: bool = False) -> Answer:
  """One answer: sets with `combine`, else products, told what they go with where there is a basket.

  Raises:
    DataError: k or the set's size is more than the model answers, or a wish about sets came without `combine`.
  """
  said = [name for name in OF_SETS if getattr(asked, name) is not None]
  if not combine and said:
    raise DataError(
      fault(" and ".join(said), "of sets", getattr(asked, said[0]), "add --combine, or leave them out")
    )
  name = "combine" if combine else "complete_basket" if asked.basket else "recommend"
  signature = model.signature(name)
  if not combine:
    answers.check_k(name, signature, k)
  batcher = Batcher(signature)
  outputs = model.predict(name, batcher([asked]))
  batcher.log_cut()
  without = batcher.beyond(asked)
  found = () if combine else tuple(answers.products(outputs, 0, k, without))
  sets = tuple(answers.combinations(outputs, 0, without)) if combine else ()
  given = [line["product_id"] for line in asked.history or []] + [
    *(asked.basket or []),
    *(asked.exclude or []),
    *(asked.must_include or []),
    *(asked.in_stock or []),
  ]
  every = [*found, *(m for s in sets for m in s.members)]
  shown = {p.product_id for p in every} | {p.goes_with for p in every if p.goes_with}
  texts = products.texts(model.folder, shown | set(given))
  unknown = () if texts is None else tuple(i for i in dict.fromkeys(given) if i not in texts)
  status = answers.status(outputs, 0) if combine else ""
  return Answer(name, found, sets, texts, unknown, status)


def _split(entries: Sequence[str] | None) -> list[str]:
  return [part.strip() for entry in entries or () for part in entry.split(",") if part.strip()]


def _bought(entry: str) -> Bought:
  product_id, colon, days = entry.rpartition(":")
  try:
    ago = float(days) if colon else math.nan
  except ValueError:  # a colon that is part of the id
    ago = math.nan
  return (
    {"product_id": entry, "days_ago": 0.0} if math.isnan(ago) else {"product_id": product_id, "days_ago": ago}
  )
