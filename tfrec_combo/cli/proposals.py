"""Bundles proposed from a run: its orders, its catalogue and, where it is given, its served model."""

import pathlib
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from tfrec_combo.base import config as c
from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.progress import bar
from tfrec_combo.merchandising import lists
from tfrec_combo.merchandising.choose import Limits
from tfrec_combo.merchandising.mine import Bundle, rules
from tfrec_combo.merchandising.proposal import Decided, Log, Proposal, propose

BATCH = 64
LATER = 0.3  # share of a log's orders that is taken for later ones where the split has none


def bundles(
  config: c.Config,
  out: pathlib.Path | None,
  model: pathlib.Path | None,
  limits: Limits,
  sizes: tuple[int, int],
  least: int,
  least_lift: float,
  depth: int,
  seeds: int,
  files: tuple[str | None, str | None, str | None],
) -> tuple[Proposal, pathlib.Path]:
  """Proposes bundles and writes them to `out`, or into the run; the proposal and its folder.

  sizes: smallest and largest bundle. least, depth: see `merchandising.mine.rules`; least_lift: see `propose`. seeds: products
  that the model is asked to make sets for. files: of accepted, banned and pinned products.

  Raises:
    DataError: the run has no records, a number is out of its range, or a file is wrong.
  """
  from tfrec_combo.base import pins
  from tfrec_combo.cli.stages import prepared
  from tfrec_combo.merchandising import report
  from tfrec_combo.pipeline.catalogue import catalogue
  from tfrec_combo.training.assemble import Run

  _check(limits, sizes, least)
  prepared(config)
  run = Run(config)
  products = catalogue(run.records)
  ids = products["product_id"].to_list()
  rows = {product: row for row, product in enumerate(ids)}
  accepted, banned, pinned = (
    lists.read(path, argument, rows, least=2 if argument == "--accept" else 1) if path else []
    for path, argument in zip(files, ("--accept", "--ban", "--pin"))
  )
  allowed = rules(products, *sizes, least, depth, banned)
  orders = tables(run, len(ids))
  made = {}
  if model is not None:
    popular = np.argsort(-np.bincount(orders.known.indices, minlength=len(ids)), kind="stable")[:seeds]
    made = from_model(model, popular.tolist(), ids, sizes)
  found = propose(orders, products, allowed, limits, Decided(accepted, pinned), made, least_lift)
  folder = out or config.run_dir / "bundles_proposed"
  facts = {
    "name": config.name,
    "versions": {f.what: f.found for f in pins.versions()},
    "config": c.dump(c.without_folders(config)),
  }
  report.write(folder, found, products, facts)
  return found, folder


def tables(run, products: int) -> Log:
  """The orders of a run, by what may be learnt from them."""
  from tfrec_combo.training.assemble import orders_of

  earlier, later, held_out = (
    orders_of(run, wanted, products) for wanted in (("train",), ("rank", "valid"), ("test",))
  )
  if later.shape[0] < LATER / 2 * earlier.shape[0]:
    known = sp.vstack([earlier, later]).tocsr()
    is_later = np.random.default_rng(0).random(known.shape[0]) < LATER
    earlier, later = known[~is_later], known[is_later]
  return Log(earlier, later, held_out)


def from_model(
  folder: pathlib.Path, seeds: Sequence[int], ids: Sequence[str], sizes: tuple[int, int]
) -> dict[Bundle, float]:
  """Sets that the served `combine` makes for baskets of one product, with that product, and their scores."""
  from tfrec_combo.serving import model
  from tfrec_combo.serving.batches import Batcher
  from tfrec_combo.serving.requests import Request

  at = {product.encode(): row for row, product in enumerate(ids)}
  found: dict[Bundle, float] = {}
  with model.load(folder) as ours, bar("ask the model") as update:
    signature = ours.signature("combine")
    largest = min(sizes[1] - 1, signature.outputs["set_ids"].shape[2] or 0)
    batcher = Batcher(signature)
    wanted = range(max(sizes[0] - 1, 1), largest + 1)
    for number, size in enumerate(wanted):
      for start in range(0, len(seeds), BATCH):
        part = seeds[start : start + BATCH]
        requests = [Request(basket=[ids[row]], size=size) for row in part]
        answer = ours.predict("combine", batcher(requests))
        for row, sets, scores in zip(part, answer["set_ids"], answer["set_scores"]):
          for members, score in zip(sets, scores):
            there = {at[i] for i in members if i in at}
            if len(there) == size:
              bundle = tuple(sorted({row, *there}))
              found[bundle] = max(found.get(bundle, -np.inf), float(score))
        update(number * len(seeds) + start + len(part), len(wanted) * len(seeds))
  return found


def _check(limits: Limits, sizes: tuple[int, int], least: int) -> None:
  if not 2 <= sizes[0] <= sizes[1]:
    way_out = "a bundle has two products or more, such as --size-min 2 --size-max 4"
    raise DataError(fault("--size-min and --size-max", "must be 2 or more and in order", sizes, way_out))
  for name, value in (
    ("--count", limits.count),
    ("--per-product", limits.per_product),
    ("--min-orders", least),
  ):
    if value < 1:
      raise DataError(fault(name, "must be positive", value, "leave it out for the usual number"))
  if not 0 <= limits.overlap <= 1:
    raise DataError(fault("--overlap", "must be 0 to 1", limits.overlap, "0.5 lets two bundles share half"))
