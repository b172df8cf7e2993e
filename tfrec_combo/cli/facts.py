"""What a run folder and a SavedModel tell of themselves: the facts of a report."""

import pathlib
from collections.abc import Sequence
from typing import Any

import polars as pl

from tfrec_combo.base import config as c
from tfrec_combo.base import files, manifest, pins
from tfrec_combo.cli import timings
from tfrec_combo.logs.decisions import Decision

PARTS = ("towers", "ranker", "sets", "bundles")  # folders of a run that hold a training
CURVE = "index.json"  # of a version: what its index finds for which work


def of_run(config: c.Config, folder: pathlib.Path) -> dict[str, Any]:
  """Name, data, curves, seconds, versions and settings of a run, of what of it is there."""
  states = {part: folder / part / "state.json" for part in PARTS}
  profile, dropped = folder / "profile.json", folder / "dropped.json"
  return {
    "name": config.name,
    "profile": files.read_json(profile) if profile.is_file() else {},
    "dropped": files.read_json(dropped) if dropped.is_file() else {},
    "history": {part: files.read_json(path)["history"] for part, path in states.items() if path.is_file()},
    "timings": timings.read(folder),
    "versions": {f.what: f.found for f in pins.versions()},
    "config": c.dump(c.without_folders(config)),
  }


def trainings(folder: pathlib.Path) -> dict[str, dict[str, Any]]:
  """Part of the model -> epochs trained, best_epoch, and held_out of that one, of a run's folder."""
  states = {part: folder / part / "state.json" for part in PARTS}
  told = {part: files.read_json(path) for part, path in states.items() if path.is_file()}
  return {
    part: {"epochs": state["epoch"], "best_epoch": state["best_epoch"], "held_out": state["best"]}
    for part, state in told.items()
  }


def of_model(folder: pathlib.Path) -> dict[str, Any]:
  """What a version is, how large, and what its index was tuned to."""
  from tfrec_combo.serving.inspect import sizes

  told: dict[str, Any] = manifest.read(folder) or {}
  curve = folder / CURVE
  size = sizes(folder)
  words = {"variables": "weights, indexes and tables", "saved_model.pb": "graph"}
  return {
    "model": {
      "model": folder.parent.name,
      "version": folder.name,
      "flavour": told.get("flavour", "unknown"),
      "size on disk": _megabytes(size["all"]),
      **{words[name]: _megabytes(size[name]) for name in words if name in size},
      "products": told.get("products"),
      "signatures": ", ".join(told.get("signatures", [])),
    },
    "index": told.get("index", {}),
    "index_curve": files.read_json(curve) if curve.is_file() else {},
  }


def _megabytes(size: int) -> str:
  return f"{size / 1e6:,.1f} MB"


def keyed(queries: pl.DataFrame, asked: Sequence[Decision], products: pl.DataFrame) -> pl.DataFrame:
  """`score.by_query` with a key in place of the row, the same wherever the same is asked of the same shop."""
  ids = products["product_id"].to_list()
  names = lambda rows: sorted(ids[row] for row in rows.tolist())
  keys = [files.fingerprint([d.order_id, d.query, names(d.basket), names(d.target)]) for d in asked]
  return (
    queries.with_columns(pl.Series("query", keys)[queries["row"]])
    .drop("row")
    .select("query", pl.exclude("query"))
  )
