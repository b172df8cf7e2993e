"""One `recommend` request of a shop with 1,000,000 products against one with 10,000, in session mode."""

import pathlib
import time

import numpy as np

from benchmarks.speed import large_shop
from benchmarks.speed.rows import Row, compared
from tfrec_combo.serving import model, signature

SMALL, LARGE, QUICK = 10_000, 1_000_000, 100_000
ASKED, QUICK_ASKED = 400, 100  # requests of each shop
BLOCK = (
  20  # of one shop before the other's turn, so that each has the caches to itself, as where it is served
)
LINES, BASKET = 60, 3  # of a history, and products in the basket
NOTE = "no words; a history of 60 lines and a basket of 3; products that are bought together lie near each other, as titles do"


def requests(loaded: model.Model, products: int, count: int) -> list[list[np.ndarray]]:
  """Shoppers who buy around a few places of the catalogue, as arrays in the signature's order."""
  rng, made = np.random.default_rng(0), []
  described = loaded.signature("recommend")
  width = {name: spec.shape[1] for name, spec in described.inputs.items() if len(spec.shape) > 1}
  for _ in range(count):
    around = rng.integers(0, products, 4)
    spread = rng.integers(0, large_shop.TOGETHER, LINES + BASKET)
    rows = (np.append(around[rng.integers(0, 4, LINES)], around[[0] * BASKET]) + spread) % products
    names = [large_shop.name_of(row) for row in rows]
    history, basket = (np.full([1, width[name]], "", object) for name in ("history_ids", "basket_ids"))
    days = np.zeros([1, width["history_days"]], np.float32)
    history[0, :LINES], basket[0, :BASKET] = names[:LINES], names[LINES:]
    days[0, :LINES] = np.sort(rng.integers(1, 200, LINES))
    given = {"history_ids": history, "history_days": days, "basket_ids": basket}
    made.append(signature.checked(described, given))
  return made


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Both flavours; the models are made once and kept below `work`."""
  large, asked = (QUICK, QUICK_ASKED) if quick else (LARGE, ASKED)
  return [_of(flavour, large, asked, work) for flavour in ("scann", "portable")]


def _of(flavour: str, large: int, asked: int, work: pathlib.Path) -> Row:
  taken: dict[int, list[float]] = {large: [], SMALL: []}
  loaded = {n: model.load(large_shop.made(n, flavour, work)) for n in taken}
  given = {n: requests(loaded[n], n, asked) for n in taken}
  for n in taken:  # the first makes the searcher
    for one in given[n][:BLOCK]:
      loaded[n].run("recommend", one)
  for start in range(0, asked, BLOCK):
    for n in taken:
      seconds = []
      for one in given[n][start : start + BLOCK]:
        begun = time.perf_counter()
        loaded[n].run("recommend", one)
        seconds.append(1e3 * (time.perf_counter() - begun))
      taken[n].append(float(np.median(seconds)))
  for one in loaded.values():
    one.close()
  wanted = 2.0 if flavour == "scann" else None
  against = f"itself over {SMALL:,} products"
  name = f"one request, {large:,} products, {flavour}"
  return compared(
    name, against, taken[large], taken[SMALL], unit="ms", wanted=wanted, at_most=True, note=NOTE
  )
