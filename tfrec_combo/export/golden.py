"""Requests with the answers that the model gave before it was saved; whoever loads it can replay them."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfrec_combo.base.config import Config
from tfrec_combo.towers.catalogue import Catalogue

Live = Callable[[str, Mapping[str, np.ndarray]], dict[str, np.ndarray]]  # signature and inputs -> answers

FOLDER = "golden"
REQUESTS = 4


def requests(catalogue: Catalogue, config: Config) -> dict[str, dict[str, np.ndarray]]:
  """Inputs of each signature for a batch of requests: an empty one, an id that is not known, a basket, a history and words."""
  export = config.export
  popular = [catalogue.ids[i] for i in np.argsort(-catalogue.orders, kind="stable")[:8]]
  past = np.full([REQUESTS, export.history], "", object)
  basket = np.full([REQUESTS, export.basket], "", object)
  days = np.zeros([REQUESTS, export.history], np.float32)
  exclude = np.full([REQUESTS, export.exclude], "", object)
  basket[1, :1] = "no such product"
  given = popular[: min(3, export.basket)]
  basket[2, : len(given)] = given
  bought = popular[: min(8, export.history)]
  past[3, : len(bought)], days[3, : len(bought)] = bought, np.arange(len(bought)) * 7.5
  exclude[3, 0] = popular[0]
  query = np.array(["", "", "", catalogue.texts[0][:80]], object)
  context = np.array([""] * REQUESTS, object)
  request = {
    "history_ids": past,
    "history_days": days,
    "basket_ids": basket,
    "query": query,
    "context": context,
    "exclude_ids": exclude,
  }
  trade = {"diversity": np.array([0, 0, 0.3, 0], np.float32), "novelty": np.array([0, 0, 0, 0.2], np.float32)}
  wishes = {
    "size_min": np.array([1, 1, 2, 2], np.int32),
    "size_max": np.array([1, 2, 3, 2], np.int32),
    "budget": np.array([0, 0, 0, 20], np.float32),
    "must_include_ids": _first(config.combine.size, [[], popular[-1:], [], []]),
    "one_per_category": np.array([0, 0, 1, 99], np.int32),
    "allowed_categories": _first(export.categories, [[], [], [], [catalogue.category_names[-1]]]),
    "in_stock_ids": _first(export.in_stock, [popular, [], [], []]),
    "diversity": np.array([0, 0, 0.5, 1], np.float32),
  }
  ready_made = np.full([REQUESTS, export.ready_made, export.ready_made_size], "", object)
  ready_made[:, 0] = _first(export.ready_made_size, [popular[:1], popular[-2:], popular[3:6], popular])
  ready_made[3, -1, :2] = ["no such product", popular[-1]][: export.ready_made_size]
  some = np.arange(min(REQUESTS, len(catalogue)))
  product = {
    "text": np.array([catalogue.texts[i] for i in some], object),
    "category": np.array([catalogue.category_names[max(catalogue.categories[i])] for i in some], object),
    "price": catalogue.prices[some],
  }
  return {
    "serving_default": request | trade,
    "recommend": request | trade,
    "complete_basket": request | trade,
    "combine": request | wishes,
    "rank_bundles": request | {"set_ids": ready_made},
    "embed_products": product,
    "embed_queries": request,
  }


def _first(width: int, rows: list[list[str]]) -> np.ndarray:
  """[rows, width] strings, what is longer cut."""
  filled = np.full([len(rows), width], "", object)
  for row, values in zip(filled, rows):
    row[: len(values)] = values[:width]
  return filled


def live(signatures: Mapping[str, Any], name: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
  """What a signature of the model as it is in memory answers."""
  from tfrec_combo.base.stack import tf

  answers = signatures[name](**{k: tf.constant(v) for k, v in inputs.items()})
  return {k: v.numpy() for k, v in answers.items()}


def write_golden(
  folder: pathlib.Path, signatures: dict[str, Any], asked: dict[str, dict[str, np.ndarray]]
) -> None:
  """Writes `golden/<signature>.npz` below `folder`: inputs as in:<name>, the answers of the live model as out:<name>."""
  (folder / FOLDER).mkdir()
  for name, inputs in asked.items():
    arrays: dict[str, Any] = {f"in:{k}": _plain(v) for k, v in inputs.items()}
    arrays |= {f"out:{k}": _plain(v) for k, v in live(signatures, name, inputs).items()}
    np.savez_compressed(folder / FOLDER / f"{name}.npz", **arrays)


def _plain(values: np.ndarray) -> np.ndarray:
  """Strings as UTF-8 bytes of one width, which numpy saves without pickle."""
  if values.dtype != object:
    return values
  return np.array([v if isinstance(v, bytes) else str(v).encode() for v in values.ravel()]).reshape(
    values.shape
  )
