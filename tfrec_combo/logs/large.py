"""A shop of any size with a log like a real one's, written chunk by chunk: what machines and stages are measured on."""

import dataclasses
import datetime
from collections.abc import Iterator

import numpy as np
import polars as pl

from tfrec_combo.logs.sources import synthetic_words as words

START = datetime.datetime(2022, 1, 3)  # a Monday
CHUNK = 50_000  # orders, or products, made at a time, however many there are
FAMILY = 8  # neighbouring products that are bought together
FAVOURITES = 12  # products a shopper comes back to
WEEK = (0.9, 0.85, 0.9, 1.0, 1.2, 1.3, 0.85)  # orders a day, Monday first
YEAR = 0.35  # swing of the orders a day over a year, with its peak at
PEAK = 340  # the day of the year, in early December
_RANKS, _PRODUCTS, _ORDERS = range(3)  # what a stream of random numbers is for


@dataclasses.dataclass(frozen=True)
class Size:
  """How large the shop is, and how uneven.

  Both popularity and how often a shopper orders follow Zipf-Mandelbrot laws, (rank + shift) ** -exponent.
  """

  products: int = 1_000_000
  lines: int = 10_000_000
  shoppers: int = 500_000
  days: int = 730
  order: float = 4.0  # lines of an order, on average
  product_exponent: float = 1.05
  shopper_exponent: float = 0.8
  shift: float = 20.0
  together: float = 0.4  # share of an order's further lines that are of the family of its first
  again: float = 0.25  # share of lines that are favourites of the shopper


class World:
  """The shop of a size and a seed: the same in any process, and in memory only 16 bytes a product and a shopper."""

  def __init__(self, size: Size, seed: int = 0):
    """Raises ValueError where a number is out of its range."""
    if min(size.products // FAMILY, size.lines, size.shoppers, size.days) < 1:
      raise ValueError(f"a shop needs {FAMILY} products, and a line, shopper and day, got {size}")
    self.size, self.seed = size, seed
    self.popularity = _cumulated(size.products, size.product_exponent, size.shift)
    # Families are neighbours by number, so the most popular products must not be.
    self.by_rank = self._rng(_RANKS).permutation(size.products)
    self.activity = _cumulated(size.shoppers, size.shopper_exponent, size.shift)
    day = np.arange(size.days)
    volume = np.resize(WEEK, size.days) * (1 + YEAR * np.cos(2 * np.pi * (day - PEAK) / 365.25))
    self.calendar = np.concatenate([[0.0], np.cumsum(volume) / volume.sum()])

  def products(self) -> Iterator[pl.DataFrame]:
    """product_id, title, category and price, `CHUNK` rows at a time; a family shares a line of words and a kind."""
    names = list(words.FAMILIES)
    for first in range(0, self.size.products, CHUNK):
      number = np.arange(first, min(first + CHUNK, self.size.products))
      rng = self._rng(_PRODUCTS, first)
      family, place = number // FAMILY, number % FAMILY
      kinds = [words.FAMILIES[names[f % len(names)]].slots for f in family.tolist()]
      slots = [slots[p % len(slots)] for slots, p in zip(kinds, place.tolist())]
      brands = [words.BRANDS[b] for b in rng.integers(len(words.BRANDS), size=len(number)).tolist()]
      titles = [f"{b} {slot[0]}, series {f}" for b, slot, f in zip(brands, slots, family.tolist())]
      prices = np.array([slot[2] for slot in slots]) * rng.lognormal(0, 0.4, len(number))
      yield pl.DataFrame(
        {
          "product_id": _names("p", number),
          "title": titles,
          "category": [slot[1] for slot in slots],
          "price": prices.round(2),
        }
      )

  def events(self) -> Iterator[pl.DataFrame]:
    """user_id, order_id, product_id and timestamp in order of time, the lines of `CHUNK` orders at a time."""
    done = number = 0
    while done < self.size.lines:
      rng = self._rng(_ORDERS, number)
      sizes = 1 + rng.poisson(self.size.order - 1, CHUNK)
      ends = done + np.cumsum(sizes)
      count = int(np.searchsorted(ends, self.size.lines)) + 1
      sizes, ends = sizes[:count], np.minimum(ends[:count], self.size.lines)
      sizes = np.diff(ends, prepend=done)
      sizes, ends = sizes[sizes > 0], ends[sizes > 0]
      yield self._chunk(rng, number * CHUNK, sizes, ends)
      done, number = int(ends[-1]), number + 1

  def _chunk(self, rng: np.random.Generator, first: int, sizes: np.ndarray, ends: np.ndarray) -> pl.DataFrame:
    order = np.repeat(np.arange(len(sizes)), sizes)
    shopper = np.searchsorted(self.activity, rng.random(len(sizes)))
    product = self._popular(rng.random(len(order)))
    opening = np.repeat(
      np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes
    )  # the first line of each line's order
    draw, place = rng.random(len(order)), rng.integers(FAMILY, size=len(order))
    again = draw < self.size.again
    product[again] = self.favourites(shopper[order[again]], rng.integers(FAVOURITES, size=again.sum()))
    # After the favourites, so that a family is that of whatever product came first.
    family = (draw > 1 - self.size.together) & (np.arange(len(order)) > opening)
    product[family] = np.minimum(
      product[opening[family]] // FAMILY * FAMILY + place[family], self.size.products - 1
    )
    share = (ends - rng.random(len(sizes)) * sizes) / self.size.lines
    days = np.interp(share, self.calendar, np.arange(self.size.days + 1))
    since = pl.Series((days * 86400).astype(np.int64) * 1_000_000).cast(pl.Duration("us"))
    frame = pl.DataFrame(
      {"user_id": _names("u", shopper), "order_id": _names("o", first + np.arange(len(sizes)))}
    ).with_columns((START + since).alias("timestamp"))
    lines = frame[order].with_columns(_names("p", product).alias("product_id"))
    return lines.select("user_id", "order_id", "product_id", "timestamp")

  def favourites(self, shoppers: np.ndarray, which: np.ndarray) -> np.ndarray:
    """[n] the product that is the `which`-th favourite of each shopper; drawn by popularity from their numbers alone."""
    return self._popular(
      _uniform(shoppers.astype(np.uint64) * np.uint64(FAVOURITES) + which.astype(np.uint64), self.seed)
    )

  def _popular(self, draws: np.ndarray) -> np.ndarray:
    return self.by_rank[np.searchsorted(self.popularity, draws)]

  def _rng(self, *stream: int) -> np.random.Generator:
    return np.random.default_rng([self.seed, *stream])


def _cumulated(n: int, exponent: float, shift: float) -> np.ndarray:
  weights = np.cumsum((np.arange(1, n + 1) + shift) ** -exponent)
  return weights / weights[-1]


def _uniform(keys: np.ndarray, seed: int) -> np.ndarray:
  """[n] numbers in [0, 1) that hang on each key alone: the finalizer of SplitMix64 (Steele et al., OOPSLA 2014)."""
  z = keys + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
  z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
  z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
  return (z ^ (z >> np.uint64(31))) / 2.0**64


def _names(letter: str, numbers: np.ndarray) -> pl.Series:
  return letter + pl.Series(numbers).cast(pl.String).str.zfill(8)
