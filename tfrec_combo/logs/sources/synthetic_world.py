"""Who and what is in the synthetic shop, before anyone buys: products, families, tastes."""

import dataclasses
import datetime

import numpy as np
import polars as pl

from tfrec_combo.logs import shop
from tfrec_combo.logs.sources import synthetic_words as words

START = datetime.datetime(2024, 1, 1)
OWN_FAMILIES = 2  # families a user keeps coming back to
FAVOURITES = 2  # staples a user keeps buying again


@dataclasses.dataclass(frozen=True)
class Size:
  """How large the shop is, and how often its shoppers come back to their favourites."""

  users: int = 200
  products: int = 120
  days: int = 365
  orders: int = 3000
  favourite_rate: float = 0.6  # chance that a favourite staple lies in an order of its user
  cold_days: int = 45  # last days, the only ones that know the cold products


@dataclasses.dataclass(frozen=True)
class Slot:
  """A place that one product fills: the main one of a family, a complement of it, or a staple."""

  family: str  # "" for staples
  noun: str
  category: str
  price: float


@dataclasses.dataclass(frozen=True)
class World:
  """The shop before its first order; products and families are numbers here."""

  size: Size
  slots: list[Slot]
  members: list[list[int]]  # slot -> its products, the cold one last
  products: pl.DataFrame
  cold: dict[int, int]  # slot -> its cold product
  cold_from: datetime.datetime
  own: np.ndarray  # [users, OWN_FAMILIES] families
  favourites: np.ndarray  # [users, FAVOURITES] products
  rng: np.random.Generator  # for the orders


def families_of(slots: list[Slot]) -> list[list[int]]:
  """The slots of each family, its main one first."""
  return [[i for i, slot in enumerate(slots) if slot.family == name] for name in words.FAMILIES]


def build(seed: int, size: Size) -> World:
  """The world of `seed`. Raises ValueError where `size` cannot be met."""
  slots = [
    Slot(name, noun, category, price)
    for name, entry in words.FAMILIES.items()
    for noun, category, price in entry.slots
  ]
  slots += [
    Slot("", noun, words.STAPLE_CATEGORY + shop.CATEGORY_SEPARATOR + level, p)
    for noun, level, p in words.STAPLES
  ]
  families = families_of(slots)
  least, most = len(slots) + len(families), len(slots) * len(words.BRANDS)
  if not least <= size.products <= most:
    raise ValueError(f"products must be {least} to {most}, got {size.products}")
  if size.users < 1 or size.orders < 1 or not 0 < size.cold_days < size.days:
    raise ValueError(f"users and orders must be positive and cold_days below days, got {size}")
  rng = np.random.default_rng(seed)
  cold_slots = [int(rng.choice(family[1:])) for family in families]
  each, more = divmod(size.products - len(families), len(slots))
  members: list[list[int]] = []
  rows: list[tuple[str, str, str, float]] = []
  for number, slot in enumerate(slots):
    count = each + (number < more) + (number in cold_slots)
    brands = rng.choice(len(words.BRANDS), count, replace=False)
    prices = np.round(slot.price * rng.uniform(0.9, 1.1, count), 2)
    members.append(list(range(len(rows), len(rows) + count)))
    rows += [
      (f"p{len(rows) + i:04d}", f"{words.BRANDS[b]} {slot.noun}", slot.category, price)
      for i, (b, price) in enumerate(zip(brands, prices))
    ]
  first_staple = sum(len(family) for family in families)
  own = np.stack([rng.choice(len(families), OWN_FAMILIES, replace=False) for _ in range(size.users)])
  staples = [
    rng.choice(np.arange(first_staple, len(slots)), FAVOURITES, replace=False) for _ in range(size.users)
  ]
  return World(
    size=size,
    slots=slots,
    members=members,
    products=pl.DataFrame(rows, schema=shop.PRODUCTS, orient="row"),
    cold={slot: members[slot][-1] for slot in cold_slots},
    cold_from=START + datetime.timedelta(days=size.days - size.cold_days),
    own=own,
    favourites=np.array([[rng.choice(members[slot]) for slot in pair] for pair in staples]),
    rng=rng,
  )
