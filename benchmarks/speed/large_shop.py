"""python -m benchmarks.speed.large_shop --products 1000000 --out DIR: exports an untrained model over a made-up catalogue.

Everything is as large as in a trained model and nothing is learnt. Titles are encoded by the mean of random vectors of their
tokens in place of BERT, which would take hours; the BERT that is served is the real one. What each phase took is written to
`phases.json`.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.speed.memory import peak, reset_peak, resident
from tfrec_combo.base import config as c
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.co_purchase import CoPurchase
from tfrec_combo.combos.habits import Habits
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.combos.sets.scorer import SetScorer
from tfrec_combo.export import exporter, flavours
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import LEVELS, Catalogue
from tfrec_combo.towers.text import TextTower
from tfrec_combo.towers.text_cache import encode_all
from tfrec_combo.towers.text_table import FrozenTexts
from tfrec_combo.training import assemble

LEAF = 500  # products of a leaf category
AISLES = 40
TOGETHER = 2000  # products next to each other that are bought together
PHASES = "phases.json"
HELD_OUT = 200  # queries by which the index is set


class RandomTexts(TextTower):
  """Unit vectors of titles by the mean of random vectors of their tokens."""

  def __init__(self, *given: Any):
    super().__init__(*given)
    self.words = tf.Variable(np.random.default_rng(0).normal(size=[30_522, self.width]).astype(np.float32))

  def call(self, tokens: tf.Tensor, training: bool | None = None) -> tf.Tensor:
    """tokens: [S, T] int32 -> [S, W] float32."""
    known = tf.cast(tokens != self.pad, tf.float32)[:, None, :]
    return tf.math.l2_normalize(tf.linalg.matmul(known, tf.gather(self.words, tokens))[:, 0], axis=-1)

  def compiled(self) -> Callable[[tf.Tensor], tf.Tensor]:
    """As the tower's, which goes through the layers of BERT."""
    return tf.function(self.call, input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False)


def settings(products: int, folder: pathlib.Path) -> c.Config:
  """The defaults."""
  return c.parse(
    {"name": f"shop-{products}", "runs": str(folder), "export": {"folder": str(folder / "saved")}}
  )


def name_of(row: int) -> str:
  """The id of a product."""
  return f"p{row:07}"


def catalogue(products: int, seed: int = 0) -> Catalogue:
  """Products whose titles share words with those of their leaf category and aisle; few are bought often."""
  rng = np.random.default_rng(seed)
  leaves = max(AISLES, products // LEAF)
  leaf = np.arange(products) * leaves // products
  aisle = leaf * AISLES // leaves
  words = [
    f"{a}{b}"
    for a in ("sun", "moon", "river", "stone", "wind", "tree")
    for b in ("light", "field", "house", "road")
  ]
  of_leaf = [f"{words[i % 24]} {words[i * 7 % 23]} {i}" for i in range(leaves)]
  names = [
    "",
    *(f"Aisle {a:03}" for a in range(AISLES)),
    *(f"Aisle {i * AISLES // leaves:03} > {i:05}" for i in range(leaves)),
  ]
  categories = np.zeros([products, LEVELS], np.int32)
  categories[:, 0], categories[:, 1] = 1 + aisle, 1 + AISLES + leaf
  orders = rng.permutation(np.floor(5e4 / np.arange(1, products + 1) ** 0.9)).astype(np.float32)
  return Catalogue(
    ids=[name_of(i) for i in range(products)],
    texts=[f"{of_leaf[kind]} {words[i % 19]} {i % 97} {i}" for i, kind in enumerate(leaf.tolist())],
    categories=categories,
    category_names=names,
    prices=rng.lognormal(1.5, 0.8, products).astype(np.float32),
    orders=orders,
    train_orders=orders,
  )


def co_purchase(shop: Catalogue, neighbours: int, seed: int = 1) -> CoPurchase:
  """Neighbours drawn from the products that lie near."""
  rng, n = np.random.default_rng(seed), len(shop)
  block = min(TOGETHER, n)
  rows = np.empty([n, neighbours], np.int32)
  for start in range(0, n, block):
    size = min(block, n - start)
    steps = 1 + rng.choice(size - 1, neighbours, replace=False)
    rows[start : start + size] = start + (np.arange(size)[:, None] + steps) % size
  together = np.floor(50 / np.arange(1, neighbours + 1, dtype=np.float32)) + 1
  return CoPurchase(rows, np.tile(together, [n, 1]), shop.orders, int(shop.orders.sum() / 10) + 1)


class Phases:
  """Seconds, resident bytes at the end and the peak of each phase."""

  def __init__(self) -> None:
    self.found: dict[str, dict[str, float]] = {}
    self.restart()

  def restart(self) -> None:
    """The next phase begins now."""
    reset_peak()
    self.start = time.perf_counter()

  def end(self, name: str) -> None:
    """A phase has ended."""
    seconds = time.perf_counter() - self.start
    self.found[name] = {"seconds": round(seconds, 1), "resident": resident(), "peak": peak()}
    print(
      name,
      {k: v if k == "seconds" else f"{v / 2**20:.0f} MiB" for k, v in self.found[name].items()},
      flush=True,
    )
    self.restart()


def queries(ranker: Ranker, count: int) -> np.ndarray:
  """Query vectors [count, D]: between two products that are bought together."""
  rng, vectors = np.random.default_rng(2), ranker.features.vectors
  rows = rng.integers(0, vectors.shape[0], count)
  others = tf.gather(ranker.candidates.rows, rows)[:, 0]
  return tf.math.l2_normalize(tf.gather(vectors, rows) + tf.gather(vectors, others), axis=1).numpy()


def export(products: int, flavour: str, folder: pathlib.Path, seed: int = 0) -> pathlib.Path:
  """Exports such a shop; returns the version's folder."""
  phases = Phases()
  config = settings(products, folder)
  tf.keras.utils.set_random_seed(seed)
  run, shop = assemble.Run(config), catalogue(products)
  tower, made_up = TextTower(config.text), RandomTexts(config.text)
  phases.end("start")
  vectors = encode_all(made_up, shop.texts, run.texts)
  phases.end("texts")
  towers = TwoTower(shop, FrozenTexts(vectors, [], vectors[:0]), config)
  del vectors
  phases.end("towers")
  ranker = assemble.ranker(run, towers, shop)
  phases.end("ranker")
  flat = np.full(products, 0.2, np.float32)
  ranker.learn(co_purchase(shop, config.retrieval.neighbours), Habits(flat, flat + 1, 100 * flat))
  ranker.net.standardise(
    np.random.default_rng(3).normal(size=[99, ranker.net.mean.shape[0]]).astype(np.float32)
  )
  phases.end("counts")
  sets = SetScorer(config.combine.substitute_penalty, config.combine.least_chance)
  asked = queries(ranker, HELD_OUT)

  # What is served is asked by the stages that load it.
  path = exporter.export(
    config,
    towers,
    tower,
    ranker,
    sets,
    shop,
    key="",
    check=lambda version, live: None,
    flavour=flavour,
    queries=asked,
  )
  phases.end("export")
  vector_bytes = 4 * products * (tower.width + config.towers.dim)
  saved = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
  found = {"vector_bytes": vector_bytes, "saved_bytes": saved, "phases": phases.found}
  (path / PHASES).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
  return path


def made(products: int, flavour: str, work: pathlib.Path) -> pathlib.Path:
  """The version of such a shop, exported in a process of its own where it is not there yet.

  work: the folder of a stage; the shops lie beside it, for all stages that ask for them.
  """
  folder = work.parent / "shops"
  version = flavours.folder(settings(products, folder), flavour) / "1"
  if not (version / PHASES).is_file():
    command = [sys.executable, "-m", "benchmarks.speed.large_shop", "--products", str(products)]
    subprocess.run([*command, "--flavour", flavour, "--out", str(folder)], check=True)
  return version


def phases_of(version: pathlib.Path) -> dict[str, Any]:
  """What `export` wrote of a version."""
  return json.loads((version / PHASES).read_text(encoding="utf-8"))


def main() -> None:
  """Exports one."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--products", type=int, required=True)
  parser.add_argument("--flavour", default="scann")
  parser.add_argument("--out", type=pathlib.Path, required=True)
  asked = parser.parse_args()
  print(export(asked.products, asked.flavour, asked.out))


if __name__ == "__main__":
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  main()
