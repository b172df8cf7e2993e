"""The stage behind `tfrec-combo reindex`: a trained model over the products of today."""

import concurrent.futures
import logging
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from tfrec_combo.base import config as c
from tfrec_combo.base import files
from tfrec_combo.base.errors import ModelError, fault
from tfrec_combo.base.laps import Laps
from tfrec_combo.base.progress import bar

if TYPE_CHECKING:
  from tfrec_combo.export.golden import Live

log = logging.getLogger(__name__)
ASKED = 200  # held-out requests that are asked of the old and the new version
BEST = 10  # products of each answer that are compared


def reindex(
  config: c.Config,
  products: pathlib.Path,
  update: bool = False,
  least: float = 0.8,
  laps: Laps | None = None,
) -> list[pathlib.Path]:
  """The next version of each flavour asked for, over the products of a file; nothing is trained.

  Args:
    products: the whole catalogue of today: what is not in it is no longer answered.
    update: the file holds only what changed since the newest version; all else stays as it is there.
    least: share of the newest version's answers to held-out requests that the new one must keep.
    laps: told how long each part takes.

  Returns:
    The version folders; the newest one as it is where nothing changed.

  Raises:
    DataError: the file breaks the data contract.
    ModelError: there is no training or no version yet, a check fails, or too little is kept; then the old one goes on.
  """
  from tfrec_combo.cli import stages
  from tfrec_combo.export import exporter, flavours
  from tfrec_combo.logs.sources import feed
  from tfrec_combo.training import fit, refresh

  laps = laps or Laps()
  stages.prepared(config)
  table = feed.read(products, config)
  found: dict[str, pathlib.Path] = {}
  todo: dict[str, tuple[str, pathlib.Path, pl.DataFrame]] = {}
  for flavour in flavours.wanted(config):
    newest = _newest(flavours.folder(config, flavour))
    today = _updated(newest, table) if update else table
    key = files.fingerprint([stages.export_key(config, flavour), today.sort("product_id").rows()])
    done = exporter.up_to_date(config, key, flavour)
    if done is not None:
      log.info("reindex: %s is up to date", done)
      found[flavour] = done
    else:
      todo[flavour] = key, newest, today
  if todo:
    with bar("reindex") as progress:
      steps = 2 * len(todo) + 1
      replay = stages.replay_of(config, again=False)
      models, learnt = None, None
      for i, (flavour, (key, newest, today)) in enumerate(todo.items()):
        progress(2 * i, steps)
        if models is None or learnt is None or not today.equals(learnt):
          with laps("models"):
            models, learnt = fit.trained(config, refresh.over(today)), today
        progress(2 * i + 1, steps)
        gone = models.catalogue.withdrawn
        check = _check(config, newest, gone, least, replay)
        queries = stages.asked_of(config, models, [flavour])
        found[flavour] = exporter.export(
          config, *models, key=key, check=check, flavour=flavour, queries=queries, laps=laps
        )
      progress(steps, steps)
    log.info("reindex: seconds of each part: %s", laps)
  return [found[flavour] for flavour in flavours.wanted(config)]


def _newest(base: pathlib.Path) -> pathlib.Path:
  from tfrec_combo.export.exporter import versions

  have = versions(base)
  if not have:
    way_out = "run `tfrec-combo export` first"
    raise ModelError(fault(str(base), "must hold a version to start from", "none", way_out))
  return base / str(have[-1])


def _updated(newest: pathlib.Path, changes: pl.DataFrame) -> pl.DataFrame:
  """The products of a version with some rows changed or added; what a change leaves empty stays."""
  before = pl.read_parquet(newest / "assets.extra" / "products.parquet")
  if "in_stock" not in before.columns:  # of a version that was written before there was stock
    before = before.with_columns(in_stock=pl.lit(True))
  before = before.select(pl.col(name).cast(kind) for name, kind in changes.schema.items())
  # An empty cell keeps what was learnt, not what a table said, of the products that no change names.
  return (
    pl.concat([before, changes]).group_by("product_id", maintain_order=True).agg(pl.all().drop_nulls().last())
  )


def _check(
  config: c.Config,
  newest: pathlib.Path,
  gone: set[str],
  least: float,
  replay: Callable[[pathlib.Path], None],
) -> Callable[[pathlib.Path, "Live"], None]:
  from tfrec_combo.base import saved_model
  from tfrec_combo.cli.held_out import as_request
  from tfrec_combo.pipeline.catalogue import catalogue
  from tfrec_combo.pipeline.requests import requests
  from tfrec_combo.serving import model, parity, signature
  from tfrec_combo.training import assemble

  def check(folder: pathlib.Path, live: "Live") -> None:
    # That the version answers as the live model is the replay's to say: so it need not be loaded once more.
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
      replayed = beside.submit(replay, folder)
      run = assemble.Run(config)
      ids = catalogue(run.records)["product_id"].to_list()
      split = assemble.splits(run, ("test", "valid", "rank", "train"))[0]
      asked = [as_request(d, ids) for d in requests(run.records, split, ASKED, config.seed)]
      described = saved_model.signatures(saved_model.meta_graph(folder))[parity.SIGNATURE]
      new = parity.Live(signature.read(described), live)
      with model.load(newest) as old:
        kept = parity.check(old, new, asked, min(BEST, config.export.k), gone, least)
      replayed.result()
    log.info("reindex: %.0f%% of what version %s answered is answered again", 100 * kept, newest.name)

  return check
