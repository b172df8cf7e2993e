"""A small shop whose right combinations are known by construction: what tests hold every model against."""

import dataclasses
import datetime
from typing import Any

import numpy as np
import polars as pl

from tfrec_combo.logs import shop
from tfrec_combo.logs.sources import synthetic_words as words
from tfrec_combo.logs.sources.synthetic_world import START, Size, World, build, families_of

OWN_SHARE = 0.85  # of a user's orders are about a family of their own


@dataclasses.dataclass(frozen=True)
class Truth:
  """What is right in the shop.

  complements: product -> the products that orders put beside it: those of its family's other slots; none for
    a staple.
  substitutes: product -> the other products of its slot, never in one order with it.
  favourites: user -> the staples that lie in each of their orders with the chance `favourite_rate`; no other
    staple is ever in them.
  cold: products that nobody buys before `cold_from`, one a family; their text and category tell the slot.
  family: product -> the name of its family, "" for a staple; intent: family -> what it is for.
  """

  complements: dict[str, set[str]]
  substitutes: dict[str, set[str]]
  favourites: dict[str, list[str]]
  favourite_rate: float
  cold: set[str]
  cold_from: datetime.datetime
  family: dict[str, str]
  intent: dict[str, str]


def synthetic(seed: int = 0, **size: Any) -> shop.Shop:
  """The shop of `seed`; `truth` with the same arguments tells what is right in it. `size`: fields of `Size`.

  An order is about one family, mostly one of its shopper's own two, and holds two to four products of it,
  each of another slot; a shopper's favourite staples join it with the chance `favourite_rate` each. Its lines
  share one time. Bundles are one product of each slot of a family, two a family, each with an intent; each
  user took one of an own family. The last `cold_days` of the `days` know one product more in each family.

  Raises:
    ValueError: an argument is out of its range.
  """
  world = build(seed, Size(**size))
  rng = world.rng
  ids = world.products["product_id"].to_list()
  families = families_of(world.slots)
  rows = []
  seconds = np.sort(rng.integers(0, world.size.days * 86400, world.size.orders))
  for number, second in enumerate(seconds):
    user = int(rng.integers(world.size.users))
    own = rng.random() < OWN_SHARE
    family = int(rng.choice(world.own[user]) if own else rng.integers(len(families)))
    time = START + datetime.timedelta(seconds=int(second))
    count = int(rng.integers(2, 5))
    basket = []
    for slot in rng.choice(families[family], count, replace=False):
      members = world.members[slot]
      known = members if time >= world.cold_from or slot not in world.cold else members[:-1]
      basket.append(int(rng.choice(known)))
    basket += [int(p) for p in world.favourites[user] if rng.random() < world.size.favourite_rate]
    context = str(rng.choice(words.CONTEXTS))
    rows += [(f"u{user:04d}", f"o{number:06d}", ids[p], time, "purchase", context) for p in basket]
  return shop.Shop(
    products=world.products,
    events=pl.DataFrame(rows, schema=shop.EVENTS, orient="row"),
    **_bundles(world, families),
  )


def truth(seed: int = 0, **size: Any) -> Truth:
  """What is right in `synthetic` of the same arguments."""
  world = build(seed, Size(**size))
  ids = world.products["product_id"].to_list()
  families = families_of(world.slots)
  complements, substitutes, family = {}, {}, {}
  for number, (slot, members) in enumerate(zip(world.slots, world.members)):
    others = [s for f in families for s in f if number in f and s != number]
    for product in members:
      complements[ids[product]] = {ids[p] for s in others for p in world.members[s]}
      substitutes[ids[product]] = {ids[p] for p in members if p != product}
      family[ids[product]] = slot.family
  return Truth(
    complements=complements,
    substitutes=substitutes,
    favourites={f"u{u:04d}": [ids[p] for p in row] for u, row in enumerate(world.favourites)},
    favourite_rate=world.size.favourite_rate,
    cold={ids[p] for p in world.cold.values()},
    cold_from=world.cold_from,
    family=family,
    intent={name: entry.intent for name, entry in words.FAMILIES.items()},
  )


def _bundles(world: World, families: list[list[int]]) -> dict[str, pl.DataFrame]:
  rng, ids = world.rng, world.products["product_id"].to_list()
  bundles, intents = [], []
  for number, family in enumerate(families):
    for copy in range(2):
      name = f"b{2 * number + copy:03d}"
      for slot in family:
        known = world.members[slot][:-1] if slot in world.cold else world.members[slot]
        bundles.append((name, ids[known[copy % len(known)]]))
      intents.append((name, words.FAMILIES[world.slots[family[0]].family].intent))
  taken = [
    (f"u{u:04d}", f"b{2 * rng.choice(world.own[u]) + rng.integers(2):03d}",
     START + datetime.timedelta(seconds=int(rng.integers(world.size.days * 86400))))
    for u in range(world.size.users)
  ]  # fmt: skip
  return {
    "bundles": pl.DataFrame(bundles, schema=shop.BUNDLES, orient="row"),
    "intents": pl.DataFrame(intents, schema=shop.INTENTS, orient="row"),
    "bundle_events": pl.DataFrame(taken, schema=shop.BUNDLE_EVENTS, orient="row").sort("timestamp"),
  }
