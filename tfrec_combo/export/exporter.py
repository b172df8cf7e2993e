"""Writes the SavedModel aside, lets it be checked there, and renames it into its version folder."""

import contextlib
import functools
import logging
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl

from tfrec_combo import __version__
from tfrec_combo.base import files, pins, saved_model
from tfrec_combo.base.config import Config, without_folders
from tfrec_combo.base.errors import HeldBack, ModelError
from tfrec_combo.base.laps import Laps
from tfrec_combo.base.manifest import FORMAT, MANIFEST
from tfrec_combo.base.stack import tf
from tfrec_combo.combos.bundles.ranker import BundleTables
from tfrec_combo.combos.ranker import Ranker
from tfrec_combo.combos.sets.scorer import SetScorer
from tfrec_combo.export import checks, flavours, warmup
from tfrec_combo.export.bundles import SIGNATURE, bundle_requests
from tfrec_combo.export.checks import ops
from tfrec_combo.export.golden import REQUESTS, Live, live, requests, write_golden
from tfrec_combo.export.module import ServedModel
from tfrec_combo.retrieval.two_tower import TwoTower
from tfrec_combo.towers.catalogue import Catalogue
from tfrec_combo.towers.text import TextTower
from tfrec_combo.training.bundles import BundleModel

PRODUCTS = "products.parquet"
CURVE = "index.json"  # what the index finds for which work: all settings that were tried, and the one that is served

log = logging.getLogger(__name__)


def versions(base: str | os.PathLike[str]) -> list[int]:
  """The versions below a model's folder, oldest first; TF Serving reads any whole number as one."""
  base = pathlib.Path(base)
  names = [p.name for p in base.iterdir() if p.is_dir()] if base.is_dir() else []
  return sorted(int(name) for name in names if name.isdecimal())


def up_to_date(config: Config, key: str, flavour: str | None = None) -> pathlib.Path | None:
  """The newest version of a flavour, if it was exported from what `key` stands for."""
  base = flavours.folder(config, flavour or flavours.own(config))
  for version in versions(base)[-1:]:
    path = base / str(version)
    if (path / MANIFEST).is_file() and files.read_json(path / MANIFEST).get("key") == key:
      return path
  return None


def export(
  config: Config,
  towers: TwoTower,
  text_tower: TextTower,
  ranker: Ranker,
  sets: SetScorer,
  catalogue: Catalogue,
  bundles: BundleModel | None = None,
  *,
  key: str,
  check: Callable[[pathlib.Path, Live], None],
  flavour: str | None = None,
  queries: np.ndarray | None = None,
  laps: Laps | None = None,
) -> pathlib.Path:
  """Exports trained models as the next version of a flavour's folder; see `flavours.folder`.

  Args:
    bundles: the trained bundle task, where the shop has one.
    key: what the models were made from; a later run compares it.
    check: raises if the folder it is given, or the live model it was saved from, does not serve; then nothing of it stays and
      older versions go on.
    flavour: scann or portable; none: that of the index the model was trained with.
    queries: held-out query vectors [Q, D] by which the index is set to `index.recall_target`.
    laps: told how long each part takes.

  Returns:
    The version's folder.

  Raises:
    HeldBack: a check fails; it says what is wrong and the way out.
  """
  flavour = flavour or flavours.own(config)
  laps = laps or Laps()
  base = flavours.folder(config, flavour)
  target = base / str((versions(base) or [0])[-1] + 1)
  with files.written_aside(target) as aside, contextlib.ExitStack() as stack:
    with laps("index"):
      index = stack.enter_context(flavours.served_by(ranker, catalogue.ids, config, flavour, queries))
    with laps("graph"), tempfile.TemporaryDirectory() as assets:
      ready_made = (_tables(bundles, len(catalogue)), bundles.ids) if bundles else None
      served = ServedModel(
        ranker, sets, towers.product_tower, text_tower, catalogue, config, pathlib.Path(assets), ready_made
      )
      signatures = served.signatures()
      _save(served, signatures, aside)
      asked = requests(catalogue, config)
      if served.bundles:
        asked[SIGNATURE] = bundle_requests(served.bundles, catalogue, REQUESTS)
      extra = aside / "assets.extra"
      extra.mkdir(exist_ok=True)
    with laps("golden answers"):
      write_golden(extra, signatures, asked)
    with laps("files"):
      _write_products(extra / PRODUCTS, catalogue)
      meta_graph = saved_model.meta_graph(aside)
      with _gate():
        checks.check_graph(meta_graph)
        ops.check_for(ops.FLAVOURS[flavour])(meta_graph)
      optional = {n: tuple(s.defaults) for n, s in saved_model.signatures(meta_graph).items()}
      warmup.write(aside, base.name, asked, optional)
      if index.tuned is not None:
        files.write_json(aside / CURVE, index.tuned.as_dict())
      lacking = ops.missing(saved_model.ops(meta_graph))
      manifest: dict[str, Any] = {
        "format": FORMAT,
        "key": key,
        "flavour": flavour,
        "tfrec_combo": __version__,
        "libraries": {f.what: f.found for f in pins.versions()},
        "products": len(catalogue),
        "offered": len(catalogue) if catalogue.offered is None else int(catalogue.offered.sum()),
        "index": index.describe(),
        "signatures": sorted(optional),
        # what each lacks of the model's ops
        "servers": {server: sorted(ops) for server, ops in lacking.items()},
        "config": without_folders(config).model_dump(mode="json"),
        "files": files.checksums(aside),
      }
      files.write_json(aside / MANIFEST, manifest)
    # By now neither the folder it was saved to nor the vocabularies it was made from are there any more.
    with laps("checks"), _gate():
      check(aside, functools.partial(live, signatures))
  return target


@contextlib.contextmanager
def _gate() -> Iterator[None]:
  """What fails inside holds the new version back."""
  try:
    yield
  except ModelError as e:
    raise HeldBack(str(e)) from e


def _tables(bundles: BundleModel, products: int) -> BundleTables:
  """What is served of the bundle task; products that came after its training have no vector there."""
  found = bundles.ranker.tables()
  return found._replace(products=tf.pad(found.products, [[0, products - found.products.shape[0]], [0, 0]]))


def _save(served: ServedModel, signatures: dict[str, Any], aside: pathlib.Path) -> None:
  """Saves into a folder below and moves it up: what is checked is a model that was moved."""
  first = aside / "saved"
  options = tf.saved_model.SaveOptions(namespace_whitelist=["Scann", "TFText"])
  tf.saved_model.save(served, str(first), signatures=signatures, options=options)
  for path in first.iterdir():
    path.rename(aside / path.name)
  first.rmdir()
  with saved_model.changed(aside) as meta_graph:
    # One function was saved under each of its names. Whoever loads it prepares each graph that is named, for seconds.
    for name, function in signatures.items():
      same = next(n for n, f in signatures.items() if f is function)
      if same != name:
        meta_graph.signature_def[name].CopyFrom(meta_graph.signature_def[same])


def _write_products(path: pathlib.Path, catalogue: Catalogue) -> None:
  products = {"product_id": catalogue.ids, "text": catalogue.texts, "price": catalogue.prices.tolist()}
  names = [catalogue.category_names[max(row)] for row in catalogue.categories]
  offered = np.ones(len(catalogue), bool) if catalogue.offered is None else catalogue.offered
  pl.DataFrame(products | {"category": names, "in_stock": offered}).write_parquet(path)
