"""One benchmark of sets from its protocol folder to its report."""

import json
import logging
import pathlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from benchmarks.quality import model
from benchmarks.quality.peers.text import Encode, minilm
from benchmarks.quality.problem import Problem, lines
from benchmarks.quality.shops import SHOPS as QUALITY
from benchmarks.sets import pages, rules, served, systems
from benchmarks.sets.problem import Asked, SetShop
from benchmarks.sets.results import OURS, result
from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.files import read_json, write_json, written_aside
from tfrec_combo.metrics.ranking import PAD
from tfrec_combo.serving.model import load

log = logging.getLogger(__name__)
TOP = "top k of recommend"


def run(
  shop: SetShop,
  protocol: pathlib.Path,
  out: pathlib.Path,
  models: Sequence[pathlib.Path] = (),
  seeds: Sequence[int] = (),
  draw: int = 0,
  peers: Literal["run", "kept", "none"] = "run",
  more: Mapping[str, object] | None = None,
  wish: Mapping[str, float] | None = None,
  encode: Encode | None = None,
) -> dict:
  """Everything of one benchmark; see benchmarks/sets/README.md for the files it leaves in `out`.

  models: SavedModels that are there already, of other seeds of one config. seeds: of models that are built here, with
  `more` on top of the shop's config. draw: of the seed products. wish: inputs of `combine`, the same for every request.
  """
  protocol, out = protocol.resolve(), out.resolve()
  out.mkdir(parents=True, exist_ok=True)
  found = shop.problem(protocol)
  asked, known = shop.asked(protocol, found, draw)
  ours = [*models, *(_built(shop, protocol, out, seed, more or {}) for seed in seeds)]
  seconds, cut = {}, []
  for number, folder in enumerate(ours):
    with load(folder) as loaded:
      for name, answer in (
        (OURS, lambda loaded=loaded: served.combined(loaded, asked, found.ids, wish)),
        (TOP, lambda loaded=loaded: served.first(loaded, asked, found.ids)),
      ):
        seconds[f"{name}, {number}"] = _timed(answer, _path(out, name, number), found.ids, asked)
    cut.append(float((asked.sizes > served.largest(folder)).mean()))
  took = _taken(shop, protocol, found, asked, out, encode or minilm(out / "runs" / "text_cache"), peers)
  sets = {
    OURS: [_path(out, OURS, n) for n in range(len(ours))],
    TOP: [_path(out, TOP, n) for n in range(len(ours))],
  }
  paths = {name: rows for name, rows in sets.items() if rows} | {name: [_path(out, name)] for name in took}
  at = {product: row for row, product in enumerate(found.ids)}
  read = {name: [_read(path, asked, at) for path in rows] for name, rows in paths.items()}
  done = {
    "benchmark": shop.name,
    "protocol": protocol.name,
    "learnt from": {"products": len(found.ids), "orders": found.orders.shape[0], "lines": found.orders.nnz},
    "metrics": list(shop.metrics),
    "draw": draw,
    "models": [str(folder.name if folder.name != "1" else folder.parent.name) for folder in ours],
    "wish": dict(wish or {}),
    "larger than our largest set": cut,
    "seconds": seconds | took,
    "left out": []
    if rules.available() or not took
    else ["mlxtend is not installed: pip install tfrec-combo[bench]"],
    **result(read, known, asked.sizes, shop.metrics),
  }
  pages.write(out, done)
  return done


def _built(
  shop: SetShop, protocol: pathlib.Path, out: pathlib.Path, seed: int, more: Mapping[str, object]
) -> pathlib.Path:
  kind = QUALITY[shop.name]
  log.info("%s, seed %d: learn and export", shop.name, seed)
  return model.build(model.settings(kind, kind.tables(protocol, out / "tables"), out, seed, more))[0]


def _taken(
  shop: SetShop,
  protocol: pathlib.Path,
  found: Problem,
  asked: Asked,
  out: pathlib.Path,
  encode: Encode,
  peers: str,
) -> dict[str, float]:
  """The seconds of each peer, whose sets lie in `out`."""
  told = out / "peers.json"
  if peers == "none":
    return {}
  if peers == "run":
    write_json(told, dict(_peers(shop, protocol, found, asked, out, encode)))
  elif not told.is_file():
    raise DataError(fault("--kept-peers", "needs peers that were run before", str(told), "leave it out once"))
  return read_json(told)


def _peers(
  shop: SetShop, protocol: pathlib.Path, found: Problem, asked: Asked, out: pathlib.Path, encode: Encode
) -> Iterator[tuple[str, float]]:
  start = time.monotonic()
  for peer in systems.peers(shop.name, protocol, found, encode):
    answer = lambda peer=peer: peer.sets(asked.requests, asked.sizes)[:, None]
    _timed(answer, _path(out, peer.name), found.ids, asked)
    took = round(time.monotonic() - start, 1)
    log.info("%s: %s, %.0f s", shop.name, peer.name, took)
    yield peer.name, took
    start = time.monotonic()


def _timed(answer: Callable[[], np.ndarray], path: pathlib.Path, ids: Sequence[str], asked: Asked) -> float:
  start = time.monotonic()
  found = answer()
  took = round(time.monotonic() - start, 1)
  with written_aside(path) as aside, open(aside, "w", encoding="utf-8") as f:
    for request, sets in zip(asked.requests, found):
      named = [[ids[i] for i in one if i != PAD] for one in sets]
      f.write(json.dumps({"query_id": request.order_id, "sets": [one for one in named if one]}) + "\n")
  return took


def _read(path: pathlib.Path, asked: Asked, at: Mapping[str, int]) -> np.ndarray:
  """[Q, C, M] products of a file of sets."""
  given = {row["query_id"]: row["sets"] for row in lines(path)}
  answers = [given[r.order_id] for r in asked.requests]
  count = max((len(sets) for sets in answers), default=0)
  width = max((len(one) for sets in answers for one in sets), default=0)
  found = np.full((len(answers), max(count, 1), max(width, 1)), PAD, np.int64)
  for row, sets in zip(found, answers):
    for place, one in zip(row, sets):
      place[: len(one)] = [at[i] for i in one]
  return found


def _path(out: pathlib.Path, name: str, number: int | None = None) -> pathlib.Path:
  plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
  return out / "sets" / f"{plain}{'' if number is None else f'-{number}'}.jsonl"
