"""What the orders of a run's log tell beside what is trained: read from the records once, and kept for every export and reindex.

The records are most of what a shop has, and reading them takes longer than anything else that an export does with its log.
"""

import json
import logging
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tfrec_combo.base import files
from tfrec_combo.combos.co_purchase import CoPurchase, count, order_matrix
from tfrec_combo.combos.habits import Habits, habits
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.records import manifest
from tfrec_combo.training import workers
from tfrec_combo.training.run import Run, splits

LEARNT = ("train", "rank", "valid")  # splits that a finished model has learnt from
HABITS_OF = 30_000  # orders whose histories tell how products are bought again
_FORMAT = 1  # of a kept file, and of what is counted; another number forgets it

Arrays = dict[str, np.ndarray]

_log = logging.getLogger(__name__)


def queries(run: Run) -> list[str]:
  """The different query texts of what was learnt from, in order."""

  def read() -> Arrays:
    found = {d.query for s in splits(run, LEARNT) for d in requests(run.records, s)} - {""}
    return {"queries": np.frombuffer(json.dumps(sorted(found)).encode(), np.uint8)}

  return json.loads(_kept(run, "queries", [], read)["queries"].tobytes())


def learnt(run: Run, wanted: tuple[str, ...], products: int) -> tuple[CoPurchase, Habits]:
  """What the orders of some splits tell of products: bought with what, and how again.

  products: how many are answered of; those beyond the log's own are ones that nobody bought.
  """
  settings = run.config.retrieval

  def read() -> Arrays:
    own = manifest.read_manifest(run.records).counts["products"] + 1  # the last is one that nobody bought
    decisions = [d for s in splits(run, wanted) for d in requests(run.records, s)]
    held = order_matrix([np.concatenate([d.basket, d.target]) for d in decisions], own)
    # Evenly over the log; more histories would only sharpen means that are sharp.
    some = decisions[:: max(1, len(decisions) // HABITS_OF)]
    counts, again = count(held, settings.neighbours, settings.shrink), habits(some, own)
    there = counts.rows >= 0
    return {
      "lengths": there.sum(axis=1),
      "rows": counts.rows[there],
      "together": counts.together[there],
      "orders": counts.orders,
      "total": np.array(counts.total),
      **vars(again),
    }

  told = [settings.neighbours, settings.shrink, HABITS_OF]
  found = _kept(run, "learnt", told, read) if wanted == LEARNT else read()  # for others a training asks, once
  grown = lambda values: np.concatenate(
    [values[:-1], np.repeat(values[-1:], max(0, products + 1 - len(values)), axis=0)]
  )[:products]
  there = np.arange(settings.neighbours) < grown(found["lengths"])[:, None]
  rows, together = np.full(there.shape, -1, np.int32), np.zeros(there.shape, np.float32)
  rows[there], together[there] = found["rows"], found["together"]
  return (
    CoPurchase(rows, together, grown(found["orders"]), int(found["total"])),
    Habits(*(grown(found[name]) for name in ("again", "regular", "gap"))),
  )


def _kept(run: Run, name: str, settings: list, read: Callable[[], Arrays]) -> Arrays:
  """What `read` gives, or gave when it was asked for the same records and settings before. Of several workers the chief alone
  keeps it: a file that another machine is writing would look left over."""
  key = files.fingerprint([_FORMAT, manifest.read_manifest(run.records).key, settings])
  path = run.config.run_dir / f"{name}.npz"
  try:
    with np.load(path, allow_pickle=False) as kept:
      if kept["key"].item() == key:
        return {k: v for k, v in kept.items() if k != "key"}
  except FileNotFoundError:
    pass
  except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as e:
    _log.warning("%s cannot be read and is made again: %s", path, e)
  found = read()
  others = workers.cluster()
  if others is None or others.own == 0:
    named: dict[str, Any] = {"key": np.array(key), **found}
    with files.written_aside(path) as aside, open(aside, "wb") as f:
      np.savez(f, **named)
  return found
