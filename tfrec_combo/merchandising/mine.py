"""Sets of products that are bought together more than chance has it, grown from pairs."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import scipy.sparse as sp

from tfrec_combo.logs.shop import CATEGORY_SEPARATOR

Bundle = tuple[int, ...]  # products as rows of the catalogue, ascending

BLOCK = 2048  # products whose pairs are counted at a time
MOST = 20_000  # sets of each size that are kept
ALIKE = 0.6  # share of common words from which two products without a category are variants of one thing


@dataclasses.dataclass(frozen=True)
class Rules:
  """What a bundle may hold.

  smallest, largest: products in it. least: orders that hold any two of them. kinds: [N] int, products of one kind are
  substitutes and never in one bundle, -1 for none. words: of the N products, for those without a kind. banned: sets of
  products that no bundle may hold whole; one of a single product bans that product.
  """

  smallest: int
  largest: int
  least: int
  kinds: np.ndarray
  words: Sequence[frozenset[str]]
  banned: frozenset[frozenset[int]] = frozenset()

  def allow(self, bundle: Sequence[int]) -> bool:
    """Whether the size fits, no ban is met and no two products are substitutes."""
    if not self.smallest <= len(bundle) <= self.largest or self.bans(bundle):
      return False
    return all(self.apart(a, b) for i, a in enumerate(bundle) for b in bundle[:i])

  def apart(self, a: int, b: int) -> bool:
    """Whether two products are not substitutes."""
    if self.kinds[a] >= 0 and self.kinds[b] >= 0:
      return bool(self.kinds[a] != self.kinds[b])
    both = len(self.words[a] & self.words[b])
    return both == 0 or both < ALIKE * len(self.words[a] | self.words[b])

  def bans(self, bundle: Sequence[int]) -> bool:
    """Whether the bundle holds a banned product, or all of a banned set."""
    there = set(bundle)
    return any(ban <= there for ban in self.banned)


def rules(
  products: pl.DataFrame,
  smallest: int = 2,
  largest: int = 4,
  least: int = 5,
  depth: int = 99,
  banned: Sequence[Bundle] = (),
) -> Rules:
  """Rules of a catalogue (text, category).

  depth: levels of the category path that tell kinds apart: large, the leaf; 0: categories say nothing.
  """
  paths = products["category"].fill_null("").str.split(CATEGORY_SEPARATOR).list.head(depth)
  names = paths.list.join(CATEGORY_SEPARATOR).to_numpy()
  kinds = (
    np.where(names == "", -1, np.unique(names, return_inverse=True)[1])
    if depth
    else -np.ones(len(names), int)
  )
  words = [frozenset(text.lower().split()) for text in products["text"].fill_null("")]
  return Rules(smallest, largest, least, kinds, words, frozenset(map(frozenset, banned)))


def mined(orders: sp.csr_matrix, allowed: Rules) -> tuple[list[Bundle], np.ndarray]:
  """Bundles that `orders` [O, N] speak for, and how many orders hold each whole, which may be none.

  Pairs are those of the most orders beyond chance (Piatetsky-Shapiro 1991). A larger set is grown from a smaller one by a
  product that pairs with all its members; of each size the MOST are kept whose rarest pair is the most frequent, so that
  how often the whole was bought plays no part in what is kept.
  """
  pairs, counts = _pairs(orders, allowed)
  bound = {pair: int(count) for pair, count in zip(pairs, counts)}
  found = list(pairs) if allowed.smallest <= 2 else []
  level = bound
  for size in range(3, allowed.largest + 1):
    level = _grown(level, bound)
    kept = sorted(level, key=lambda b: (-level[b], b))[:MOST]
    level = {b: level[b] for b in kept if not allowed.bans(b)}
    if size >= allowed.smallest:
      found += level
  return found, holding(orders, found)


def holding(orders: sp.csr_matrix, bundles: Sequence[Bundle]) -> np.ndarray:
  """[len(bundles)] int64: orders that hold all products of each."""
  by_product = orders.tocsc()
  by_product.sort_indices()
  lines = lambda product: by_product.indices[by_product.indptr[product] : by_product.indptr[product + 1]]
  counts = np.zeros(len(bundles), np.int64)
  for i, bundle in enumerate(bundles):
    rarest, *rest = sorted(map(lines, bundle), key=len)
    for other in rest:
      rarest = rarest[np.isin(rarest, other, assume_unique=True)]
    counts[i] = len(rarest)
  return counts


def _pairs(orders: sp.csr_matrix, allowed: Rules) -> tuple[list[Bundle], np.ndarray]:
  total, held = orders.shape[0], np.bincount(orders.indices, minlength=orders.shape[1])
  gone = {product for ban in allowed.banned if len(ban) == 1 for product in ban}
  parts = []
  for a, b, count in _counted(orders, allowed.least):
    beyond = count - held[a] * held[b] / max(total, 1)
    there = beyond > 0
    parts.append(np.stack([a[there], b[there], count[there], beyond[there]]))
  a, b, count, beyond = np.concatenate(parts, axis=1) if parts else np.zeros((4, 0))
  pairs: list[Bundle] = []
  counts = []
  for i in np.lexsort((b, a, -beyond)):
    pair = (int(a[i]), int(b[i]))
    if not gone & {*pair} and not allowed.bans(pair) and allowed.apart(*pair):
      pairs.append(pair)
      counts.append(int(count[i]))
      if len(pairs) == MOST:
        break
  return pairs, np.array(counts, np.int64)


def _counted(orders: sp.csr_matrix, least: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
  """Pairs a < b in at least `least` orders, with their number, a block of products at a time."""
  ones = orders.astype(np.float32)
  by_product = ones.T.tocsr()
  for start in range(0, orders.shape[1], BLOCK):
    table = (by_product[start : start + BLOCK] @ ones).tocoo()
    a, b = table.row + start, table.col
    there = (a < b) & (table.data >= least)
    yield a[there], b[there], table.data[there]


def _grown(level: dict[Bundle, int], pairs: dict[Bundle, int]) -> dict[Bundle, int]:
  """Sets of one product more, each with the orders of its rarest pair."""
  after: dict[int, list[int]] = {}
  for a, b in pairs:
    after.setdefault(a, []).append(b)
  found = {}
  for bundle, least in level.items():
    for product in after.get(bundle[-1], ()):
      bound = min((pairs.get((member, product), 0) for member in bundle), default=0)
      if bound:
        found[*bundle, product] = min(least, bound)
  return found
