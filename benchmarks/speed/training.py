"""Training with frozen text: a step beside its floor, the wait for input, and the time until it is as good as the peer gets."""

import pathlib
import time

import numpy as np
import polars as pl

from benchmarks.speed import households, learning, tutorial
from benchmarks.speed.floors import of_step
from benchmarks.speed.rows import REPEATS, Row, compared
from tfrec_combo.base.stack import tf
from tfrec_combo.logs import sources
from tfrec_combo.logs.split import decide
from tfrec_combo.pipeline.batches import batches
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.training import assemble
from tfrec_combo.training.assemble import Run

STEPS = 60  # of which the medians are taken
PEER = "the TFRS retrieval tutorial's model"


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """The peer learns from the same orders, line by line, as many lines a step as ours draws positives."""
  run = households.run(work, quick)
  start = time.perf_counter()
  towers, _, products = assemble.two_tower(run)
  encoded = time.perf_counter() - start
  rows = _steps(run, towers)
  held_out = learning.HeldOut(run)
  orders = decide(sources.read(run.config), run.config).orders
  train = orders.filter(pl.col("split") == "train")
  lines = train.select("user_id", row=pl.concat_list("basket", "target")).explode("row")
  lines = lines.select("user_id", product_id=pl.Series(products.ids).gather(lines["row"]))
  who = dict(orders.select("order_id", "user_id").iter_rows())
  users, asked = train["user_id"].unique().sort().to_list(), [who[r.order_id] for r in held_out.asked]
  batch = run.config.retrieval.batch * run.config.retrieval.targets
  ours, peer, best = [], [], []
  for seed in range(REPEATS):
    theirs = tutorial.learn(lines, users, asked, products.ids, held_out, batch, seed)
    own = _ours(run, towers, products, seed, held_out, theirs.best[2])
    if own.curve[-1][2] < theirs.best[2]:
      raise RuntimeError(f"ours did not get as good as the peer: {own.best[2]:.4f} of {theirs.best[2]:.4f}")
    ours.append(own.curve[-1][0])
    peer.append(theirs.best[0])
    best.append(theirs.best[2])
  note = (
    f"{len(held_out.asked):,} held-out orders over {len(products):,} products; the peer's best NDCG@10 is {np.median(best):.4f}. "
    f"Records, {run.config.retrieval.batch} orders a step, against {batch:,} of {len(lines):,} lines in memory; both without "
    f"tracing and without looking at the metric. Texts are encoded once, here in {encoded:.0f} s with what the cache held."
  )
  return [*rows, compared("training: time to the peer's best NDCG@10", PEER, ours, peer, wanted=2, note=note)]


def _ours(
  run: Run, towers: TwoTower, products: Catalogue, seed: int, held_out: learning.HeldOut, target: float
) -> learning.Clocked:
  model = learning.towers_of(run, towers.texts, products, seed)
  clock = learning.Clocked(lambda: held_out.ndcg(model, model.encode_catalogue()), every=10, target=target)
  learning.learn(run, model, seed, clock)
  return clock


def _steps(run: Run, towers: TwoTower) -> list[Row]:
  settings = run.config.retrieval
  wide = {"history": run.config.towers.history}
  stream = batches(
    run.records, "train", run.config, batch=settings.batch, training=True, resplit=True, **wide
  )
  towers.compile(optimizer=learning.optimizer(settings, 1000))
  towers.optimizer.build(towers.trainable_variables)
  step = tf.function(towers.train_step, reduce_retracing=True)
  waited, worked, floors = [], [], []
  for number, batch in enumerate(_clocked(stream, waited)):
    start = time.perf_counter()
    step(batch)
    worked.append(time.perf_counter() - start)
    if number >= 5:
      floors.append(of_step(batch, towers))
    if number == 5 + STEPS:
      break
  waited, worked = np.array(waited[6:]), np.array(worked[6:])
  share = waited / (waited + worked)
  floor = float(np.median(floors))
  note = f"{STEPS} steps of {settings.batch} orders from records; what the floor counts stands in floors.py."
  return [
    compared("training step, frozen text", "its own FLOP and byte floor", worked, np.full(len(worked), floor), wanted=2.5,
             at_most=True, floor=floor, note=note),
    compared("training: waiting for input", "the whole step", share, np.ones(len(share)), unit="of a step", wanted=0.1,
             at_most=True, note="The time in `next` of the input pipeline, the step itself running to its end."),
  ]  # fmt: skip


def _clocked(stream, waited):
  batches = iter(stream)
  while True:
    start = time.perf_counter()
    batch = next(batches)
    waited.append(time.perf_counter() - start)
    yield batch
