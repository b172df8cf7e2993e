"""Builds the untrained models from the records of a run; training, evaluation and export all start from these."""

import dataclasses
import pathlib

import numpy as np
import scipy.sparse as sp

from tfrec_combo.base.config import Config
from tfrec_combo.base.progress import bar
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Candidates
from tfrec_combo.combos.co_purchase import CoPurchase, count, order_matrix
from tfrec_combo.combos.features import Features
from tfrec_combo.combos.habits import Habits, habits
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.combos.wording import Wording
from tfrec_combo.pipeline.catalogue import catalogue
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.records import manifest
from tfrec_combo.retrieval.index import ExactIndex, Index
from tfrec_combo.retrieval.scann import ScannIndex
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers import catalogue as arrays
from tfrec_combo.towers.text import TextTower
from tfrec_combo.towers.text_cache import encode_all
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts
from tfrec_combo.training.strategy import chief_first

HABITS_OF = 30_000  # orders whose histories tell how products are bought again


@dataclasses.dataclass(frozen=True)
class Run:
  """Where the stages of a run leave their work."""

  config: Config

  @property
  def records(self) -> pathlib.Path:
    """TFRecord of the examples and the catalogue."""
    return self.config.run_dir / "records"

  @property
  def towers(self) -> pathlib.Path:
    """Checkpoints of the two-tower model."""
    return self.config.run_dir / "towers"

  @property
  def ranker(self) -> pathlib.Path:
    """Checkpoints of the ranker."""
    return self.config.run_dir / "ranker"

  @property
  def sets(self) -> pathlib.Path:
    """Checkpoints of the set model."""
    return self.config.run_dir / "sets"

  @property
  def bundles(self) -> pathlib.Path:
    """Checkpoints of the bundle task, where there is one."""
    return self.config.run_dir / "bundles"

  @property
  def texts(self) -> pathlib.Path:
    """Text vectors, shared by all runs."""
    return pathlib.Path(self.config.runs) / "text_cache"

  @property
  def evaluation(self) -> pathlib.Path:
    """The report."""
    return self.config.run_dir / "evaluation"


def splits(run: Run, wanted: tuple[str, ...]) -> tuple[str, ...]:
  """Those of `wanted` that hold examples."""
  counts = manifest.read_manifest(run.records).counts
  return tuple(s for s in wanted if counts.get(s, 0))


def orders_of(run: Run, wanted: tuple[str, ...], products: int) -> sp.csr_matrix:
  """Which order holds which product, [orders, N], over some splits."""
  rows = [np.concatenate([d.basket, d.target]) for s in splits(run, wanted) for d in requests(run.records, s)]
  return order_matrix(rows, products)


def learnt(run: Run, wanted: tuple[str, ...], products: int) -> tuple[CoPurchase, Habits]:
  """What the orders of some splits tell of products: bought with what, and how again."""
  settings = run.config.retrieval
  decisions = [d for s in splits(run, wanted) for d in requests(run.records, s)]
  held = order_matrix([np.concatenate([d.basket, d.target]) for d in decisions], products)
  # Evenly over the log; more histories would only sharpen means that are sharp.
  some = decisions[:: max(1, len(decisions) // HABITS_OF)]
  return count(held, settings.neighbours, settings.shrink), habits(some, products)


def texts_of(run: Run, tower: TextTower, products: arrays.Catalogue) -> FrozenTexts | TrainedTexts:
  """The text vectors of a run, encoded once where the tower is frozen."""
  names = [arrays.spoken(name) for name in products.category_names]
  if tower.mode != "frozen":
    return TrainedTexts(tower, products.texts, encode_all(tower, names, None))
  queries = {d.query for s in splits(run, ("train", "rank", "valid")) for d in requests(run.records, s)} - {
    ""
  }
  known = sorted(queries)
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
