"""A small log in the user's own form, a tiny BERT, and configs over them that train in seconds."""

import functools
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.towers.tiny_bert import tiny_bert
from tfrec_combo.base import config as c
from tfrec_combo.cli import stages
from tfrec_combo.export import exporter, module
from tfrec_combo.logs.sources.synthetic import synthetic
from tfrec_combo.serving import fresh, golden

VECTORS = ("embed_products", "embed_queries")


def write_tables(folder: pathlib.Path, orders: int) -> dict[str, Any]:
  """Writes products.csv and events.csv of a shop with 60 products; returns the config's `data`."""
  folder.mkdir(parents=True, exist_ok=True)
  shop = synthetic(seed=3, users=20, products=60, orders=orders)
  shop.products.write_csv(folder / "products.csv")
  shop.events.write_csv(folder / "events.csv")
  products = {"path": str(folder / "products.csv"), "columns": {"text": "text"}}
  return {"source": "tables", "products": products, "events": {"path": str(folder / "events.csv")}}


def settings(folder: pathlib.Path, data: dict[str, Any], bert: str, **sections: Any) -> dict[str, Any]:
  """Narrow, exact and two epochs each; `sections` overrule."""
  small: dict[str, Any] = {
    "name": "small",
    "runs": str(folder / "runs"),
    "data": data,
    "records": {"history": 12, "basket": 8, "shards": 1},
    "text": {"preset": bert, "tokens": 8},
    "towers": {"dim": 8, "history": 8},
    "retrieval": {"index": "exact", "k": 12, "neighbours": 10, "targets": 2, "epochs": 2, "batch": 32},
    "ranker": {"candidates": 30, "layers": [8], "members": 1, "crosses": 1, "epochs": 2, "batch": 32},
    "combine": {"pool": 8, "beam": 4, "size": 3},
    "training": {"valid_orders": 64, "tensorboard": False},
    "evaluation": {"k": [5], "orders": 50},
    "export": {
      "folder": str(folder / "saved"),
      "k": 8,
      "history": 8,
      "basket": 4,
      "exclude": 4,
      "native_check": "off",
    },
  }
  for name, value in sections.items():
    small[name] = {**small[name], **value} if isinstance(value, dict) and name in small else value
  return small


class Workshop:
  """Runs of one log. Each has a name, and starts from the same records."""

  def __init__(self, folder: pathlib.Path, orders: int = 300):
    self.folder, self.data = folder, write_tables(folder / "tables", orders)
    self.runs = folder / "runs"
    self.bert = tiny_bert(folder / "bert")

  def config(self, name: str = "small", **sections: Any) -> c.Config:
    """The config of a run whose records are written."""
    config = c.parse(settings(self.folder, self.data, self.bert, **sections) | {"name": name})
    if not config.run_dir.exists():
      if name != "small":
        shutil.copytree(self._base / "records", config.run_dir / "records")
        shutil.copy(self._base / "profile.json", config.run_dir)
      stages.prepare(config)
    return config

  @functools.cached_property
  def _base(self) -> pathlib.Path:
    return self.config().run_dir


def signatures_only(replace: Callable[..., None], names: Sequence[str] = VECTORS) -> None:
  """Exports some signatures alone, as a rule the two that the text tower speaks in: tracing them all and asking each for the
  first time is most of an export's time."""
  made, asked = module.ServedModel.signatures, exporter.requests

  def signatures(self):
    with pytest.MonkeyPatch.context() as patched:
      patched.setattr(module, "traced", lambda f, specs: traced(f, specs) if f.__name__ in names else None)
      return {name: made(self)[name] for name in names}

  traced = module.traced
  replace(module.ServedModel, "signatures", signatures)
  replace(exporter, "requests", lambda *args: {n: said for n, said in asked(*args).items() if n in names})


class InThisProcess:
  """Stands for a `FreshProcess`, which takes seconds to import TensorFlow."""

  def replay(self, folder: pathlib.Path) -> None:
    golden.replay(folder)


def replayed_here(replace: Callable[..., None]) -> None:
  """Exports are replayed in this process."""
  replace(fresh, "FreshProcess", InThisProcess)
