"""Builds the untrained models from the records of a run; training, evaluation and export all start from these."""

import numpy as np
import scipy.sparse as sp

from tfrec_combo.base.config import Config
from tfrec_combo.base.progress import bar
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Candidates
from tfrec_combo.combos.co_purchase import order_matrix
from tfrec_combo.combos.features import Features
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.combos.wording import Wording
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.retrieval.index import ExactIndex, Index
from tfrec_combo.retrieval.scann import ScannIndex
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers import catalogue as arrays
from tfrec_combo.towers.text import TextTower
from tfrec_combo.towers.text_cache import encode_all
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts
from tfrec_combo.training.learnt import queries
from tfrec_combo.training.run import Run, splits
from tfrec_combo.training.strategy import chief_first


def orders_of(run: Run, wanted: tuple[str, ...], products: int) -> sp.csr_matrix:
  """Which order holds which product, [orders, N], over some splits."""
  rows = [np.concatenate([d.basket, d.target]) for s in splits(run, wanted) for d in requests(run.records, s)]
  return order_matrix(rows, products)


def texts_of(run: Run, tower: TextTower, products: arrays.Catalogue) -> FrozenTexts | TrainedTexts:
  """The text vectors of a run, encoded once where the tower is frozen."""
  names = [arrays.spoken(name) for name in products.category_names]
  if tower.mode != "frozen":
    return TrainedTexts(tower, products.texts, encode_all(tower, names, None))
  known = queries(run)
  with bar("encode texts") as update, chief_first(tf.distribute.get_strategy()):
    vectors = encode_all(tower, [*products.texts, *known, *names], run.texts, update)
  of_products, of_queries, of_names = np.split(vectors, [len(products), len(products) + len(known)])
  return FrozenTexts(of_products, known, of_queries, of_names)


def two_tower(run: Run) -> tuple[TwoTower, TextTower, arrays.Catalogue]:
  """The untrained two-tower model, its text tower and the catalogue."""
  products = arrays.from_frame(catalogue(run.records))
  tower = TextTower(run.config.text)
  return two_tower_of(run, tower, products), tower, products


def two_tower_of(run: Run, tower: TextTower, products: arrays.Catalogue) -> TwoTower:
  """The untrained two-tower model of a catalogue."""
  return TwoTower(products, texts_of(run, tower, products), run.config)


def index_of(config: Config, vectors: np.ndarray, ids: list[str]) -> Index:
  """The index that the config names, built."""
  index = ScannIndex() if config.retrieval.index == "scann" else ExactIndex()
  with tf.device("/CPU:0"):  # ScaNN's ops and tables of strings live nowhere else
    return index.build(vectors, ids)


def product_texts(
  run: Run, towers: TwoTower, products: arrays.Catalogue, strategy: tf.distribute.Strategy
) -> np.ndarray | tf.Variable:
  """Text vectors of the whole catalogue, [N, W]: the frozen ones themselves; those of a trained BERT encoded once and kept beside
  its checkpoints, so that the next stage reads them and a killed one goes on."""
  texts = towers.texts
  if isinstance(texts, FrozenTexts):
    return texts.products
  with bar("encode texts") as update, chief_first(strategy):
    return encode_all(texts.tower, products.texts, run.towers / "texts", update)


def ranker(
  run: Run,
  towers: TwoTower,
  products: arrays.Catalogue,
  strategy: tf.distribute.Strategy | None = None,
) -> Ranker:
  """The untrained ranker over trained towers, whose vectors are encoded here once.

  What `strategy` trains is made in its scope. An index is not: workers send each other the first values of what they share, and
  strings cannot be sent.
  """
  config, strategy = run.config, strategy or tf.distribute.get_strategy()
  settings, ids = config.retrieval, products.ids
  texts = product_texts(run, towers, products, strategy)
  vectors = towers.encode_catalogue(texts)
  index = index_of(config, shown(vectors, products.offered), ids)
  alike = index_of(config, np.asarray(tf.convert_to_tensor(texts)), ids) if settings.text_neighbours else None
  with strategy.scope():
    wording = Wording(products, texts, alike, settings.text_neighbours) if alike else None
    leaf = products.categories.max(axis=1)
    candidates = Candidates(config.ranker.candidates, leaf, settings.neighbours, settings.shrink, wording)
    features = Features(products, vectors, texts)
    if products.offered is not None:
      candidates.offer(products.offered)
    return Ranker(candidates, features, towers.user_tower, towers.texts, index, towers.pseudo_queries, config)


def shown(vectors: np.ndarray, offered: np.ndarray | None) -> np.ndarray:
  """Vectors [N, D] for an index: zeros for what is not offered, so that it takes no place from what is."""
  return vectors if offered is None else np.where(offered[:, None], vectors, np.float32(0))
