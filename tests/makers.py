"""Small catalogues, configs, batches and models by hand, for the tests of the rooms that hold models."""

import numpy as np

from tfrec_combo.base import config as c
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Candidates, Request
from tfrec_combo.combos.co_purchase import CoPurchase, count, order_matrix
from tfrec_combo.combos.features import Features
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.retrieval.index import ExactIndex
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import LEVELS, Catalogue
from tfrec_combo.towers.text_table import FrozenTexts

WIDTH = 6  # W of the made text vectors


def config(**sections) -> c.Config:
  """Narrow towers and few targets; `sections` overrule."""
  small = {
    "towers": {"dim": 8, "id_dropout": 0},
    "retrieval": {"targets": 2, "k": 8, "neighbours": 4, "pseudo_queries": 0},
    "ranker": {"hidden_history": 0},
  }
  merged = {
    name: {**small.get(name, {}), **value} for name, value in sections.items() if isinstance(value, dict)
  }
  return c.parse({**small, **sections, **merged})


def catalogue(products: int, *, blocks: int = 1, prices=None, orders=None, train_orders=None) -> Catalogue:
  """Product i is `p<i>` of category block i * blocks // products, at `prices`, or 1, 2, ..."""
  block = np.arange(products) * blocks // products
  categories = np.zeros([products, LEVELS], np.int32)
  categories[:, 0] = 1
  categories[:, 1] = 2 + block
  orders = np.full(products, 2.0) if orders is None else np.array(orders)
  return Catalogue(
    ids=[f"p{i}" for i in range(products)],
    texts=[f"text {i}" for i in range(products)],
    categories=categories,
    category_names=["", "All", *(f"All > {b}" for b in range(blocks))],
    prices=np.array(np.arange(1, products + 1) if prices is None else prices, np.float32),
    orders=orders.astype(np.float32),
    train_orders=np.array(orders if train_orders is None else train_orders, np.float32),
  )


def unit(*shape: int, seed: int = 0) -> np.ndarray:
  """Random unit vectors [..., D]."""
  values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
  return values / np.linalg.norm(values, axis=-1, keepdims=True)


def texts(products: int, queries: tuple[str, ...] = (), seed: int = 0) -> FrozenTexts:
  """Random text vectors of each product and query."""
  vectors = unit(products + len(queries), WIDTH, seed=seed)
  return FrozenTexts(vectors[:products], queries, vectors[products:])


def padded(rows, width: int | None = None, pad=-1, dtype=np.int32) -> tf.Tensor:
  """[B, width] from lists of unequal length."""
  width = max([1, *(len(r) for r in rows)]) if width is None else width
  values = np.full([len(rows), width], pad, dtype)
  for i, row in enumerate(rows):
    values[i, : len(row)] = row
  return tf.constant(values)


def batch(basket, target=None, history=None, days=None, query=None, context=None, width=None) -> dict:
  """A batch as `pipeline.batches` gives it; parts that are not given are absent. `width`: of every list."""
  n = len(basket)
  history = [[]] * n if history is None else history
  days = [range(1, 1 + len(row)) for row in history] if days is None else days
  return {
    "history": padded(history, width),
    "history_days": padded(days, width, 0, np.float32),
    "basket": padded(basket, width),
    "target": padded([[]] * n if target is None else target, width),
    "query": tf.constant([""] * n if query is None else query),
    "context": tf.constant([""] * n if context is None else context),
  }


def two_tower(products: Catalogue, settings: c.Config | None = None, queries=(), seed: int = 0) -> TwoTower:
  """An untrained model whose weights depend on `seed` alone."""
  tf.keras.utils.set_random_seed(seed)
  return TwoTower(products, texts(len(products), queries), settings or config())


def replicas() -> tf.distribute.MirroredStrategy:
  """Both logical CPU devices.

  Without collectives: a second strategy of one process would reuse the keys of the first one's, and fail.
  """
  return tf.distribute.MirroredStrategy(
    ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
  )


def block_orders(count: int, blocks: int, size: int, held: int, seed: int = 0) -> np.ndarray:
  """[count, held] product rows; an order holds distinct products of one block of `size` products."""
  rng = np.random.default_rng(seed)
  inside = np.argsort(rng.random([count, size]), axis=1)[:, :held]
  return (inside + size * rng.integers(0, blocks, [count, 1])).astype(np.int32)


def orders(rows, products: int) -> CoPurchase:
  """Co-purchase counts of orders given as lists of product rows, every neighbour kept."""
  return count(order_matrix([np.array(row, np.int32) for row in rows], products), products, 0.0)


def candidates(rows, products: int, most: int = 400, leaf=None) -> Candidates:
  """The blend of sources over orders given as lists of product rows; `leaf`: category of each product, none without."""
  made = Candidates(most, np.zeros(products, np.int32) if leaf is None else np.array(leaf), products, 0.0)
  made.learn(orders(rows, products))
  return made


def request(
  basket=((),), history=None, days=None, exclude=None, query=None, user=None, width=None
) -> Request:
  """A batch of requests in catalogue rows; what is not given is absent."""
  n = len(basket)
  given = batch(basket, history=history, days=days, width=width)
  return Request(
    history=given["history"],
    history_days=given["history_days"],
    basket=given["basket"],
    exclude=padded([[]] * n if exclude is None else exclude, width),
    query=tf.zeros([n, WIDTH]) if query is None else tf.constant(query),
    user=tf.zeros([n, 8]) if user is None else tf.constant(user),
    said=given["query"],
  )


def ranker(shop: Catalogue, rows, settings: c.Config | None = None, seed: int = 0) -> Ranker:
  """An untrained ranker over untrained towers and the counts of some orders."""
  settings = settings or config()
  towers = two_tower(shop, settings, seed=seed)
  vectors = towers.encode_catalogue()
  made = Ranker(
    candidates(rows, len(shop), settings.ranker.candidates, shop.categories.max(axis=1)),
    Features(shop, vectors, towers.texts.products),
    towers.user_tower,
    towers.texts,
    ExactIndex().build(vectors, shop.ids),
    towers.pseudo_queries,
    settings,
  )
  made.learn(orders(rows, len(shop)))
  return made
