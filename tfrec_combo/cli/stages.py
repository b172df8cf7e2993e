"""The stages of a run, one after the other; what is done already for the same settings is not done again."""

import concurrent.futures
import logging
import pathlib
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tfrec_combo.base import config as c
from tfrec_combo.base import files
from tfrec_combo.base.laps import Laps
from tfrec_combo.base.progress import bar
from tfrec_combo.cli import timings

if TYPE_CHECKING:
  import numpy as np

  from tfrec_combo.training.fit import Models

log = logging.getLogger(__name__)


def prepare(config: c.Config, fresh: bool = False) -> dict:
  """Reads, checks and splits the log and writes TFRecord; returns the data profile."""
  from tfrec_combo.logs import sources
  from tfrec_combo.records import manifest
  from tfrec_combo.training.assemble import Run

  run = Run(config)
  key = manifest.key(config)
  if not fresh and manifest.is_complete(run.records, key) and (config.run_dir / "profile.json").is_file():
    log.info("records: %s is up to date", run.records)
    return files.read_json(config.run_dir / "profile.json")
  (config.run_dir / "dropped.json").unlink(missing_ok=True)
  from tfrec_combo.records.builder import write_log

  began = time.monotonic()
  log.info("read %s", config.data.source)
  dropped = config.run_dir / "dropped.json"
  with files.scratch(config.run_dir / "log") as folder:
    each = _each(config, folder)
    parts = sources.log(config, folder, dropped)
    _tell_dropped(dropped)
    with bar("write records") as update:
      _, profile = write_log(parts, config, run.records, update, each=each)
  log.info("records: %s", run.records)
  files.write_json(config.run_dir / "profile.json", profile)
  with files.written_aside(config.run_dir / "config.yaml") as aside:
    aside.write_text(c.dump(config), encoding="utf-8")
  timings.note(config, "prepare", began)
  return profile


def _each(config: c.Config, folder: pathlib.Path) -> Callable:
  """What runs the parts of a log, with a folder for its own use."""
  from tfrec_combo.records import beam
  from tfrec_combo.records.each import here

  if config.records.runner == "local":
    return here
  return beam.each_on(config.records.beam_options, folder)


def _tell_dropped(dropped: pathlib.Path) -> None:
  if dropped.is_file():
    tables = files.read_json(dropped)["tables"].items()
    told = [
      f"{t['rows_dropped']:,} of {t['rows_read']:,} rows of {name}" for name, t in tables if t["rows_dropped"]
    ]
    log.warning("dropped %s; what and why: %s", ", ".join(told) or "nothing", dropped)


def prepared(config: c.Config) -> None:
  """Refuses records that were made of other settings or files.

  Raises:
    DataError: says to prepare first.
  """
  from tfrec_combo.base.errors import DataError
  from tfrec_combo.records import manifest
  from tfrec_combo.training.assemble import Run

  records = Run(config).records
  manifest.read_manifest(records)
  if not manifest.is_complete(records, manifest.key(config)):
    raise DataError(
      f"{records} is of other data, split or records settings, or of other files; run `tfrec-combo prepare` first"
    )


def train(config: c.Config, resume: bool = True) -> None:
  """Trains the towers and the ranker; both go on where a killed run stopped, unless told to start anew."""
  from tfrec_combo.training import fit

  prepared(config)
  if resume and fit.is_trained(config):
    log.info("train: %s is up to date", config.run_dir)
    return
  began = time.monotonic()
  fit.train(config, resume)
  timings.note(config, "train", began)


def export(config: c.Config) -> pathlib.Path:
  """`export_all`, and the first of its folders: that of the model's own flavour, where it is among them."""
  return export_all(config)[0]


def export_all(config: c.Config, laps: Laps | None = None) -> list[pathlib.Path]:
  """Exports the trained models as the next version of each flavour asked for, unless its newest one was made from the same.

  laps: told how long each part takes.
  """
  from tfrec_combo.export import exporter, flavours
  from tfrec_combo.training import fit

  prepared(config)
  wanted = flavours.wanted(config)
  keys = {f: export_key(config, f) for f in wanted}
  done = {f: exporter.up_to_date(config, keys[f], f) for f in wanted}
  found = {f: path for f, path in done.items() if path is not None}
  for path in found.values():
    log.info("export: %s is up to date", path)
  todo = [f for f in wanted if f not in found]
  laps = laps or Laps()
  if todo:
    began = time.monotonic()
    with bar("export") as update:
      replay = replay_of(config)
      steps = 1 + 2 * len(todo)
      update(0, steps)
      with laps("models"):
        models = fit.trained(config)
        queries = asked_of(config, models, todo)
      for i, flavour in enumerate(todo):
        update(1 + 2 * i, steps)

        def check(folder: pathlib.Path, _: Any, written: int = 2 + 2 * i) -> None:
          update(written, steps)
          replay(folder)

        found[flavour] = exporter.export(
          config, *models, key=keys[flavour], check=check, flavour=flavour, queries=queries, laps=laps
        )
      update(steps, steps)
    timings.note(config, "export", began)
    log.info("export: seconds of each part: %s", laps)
  return [found[f] for f in wanted]


def asked_of(config: c.Config, models: "Models", todo: Iterable[str]) -> "np.ndarray | None":
  """Held-out queries [Q, D] to measure the indexes of flavours with; none where each scores every product."""
  from tfrec_combo.export import flavours
  from tfrec_combo.training.assemble import Run
  from tfrec_combo.training.loop import held_out_queries

  if not any(flavours.approximates(flavour, len(models.catalogue), config) for flavour in todo):
    return None
  return held_out_queries(Run(config), models.towers)


def export_key(config: c.Config, flavour: str) -> str:
  """Changes when a flavour must be exported anew."""
  from tfrec_combo.training import fit
  from tfrec_combo.training.assemble import Run

  unread = {"export": {"folder", "flavour", "native_check"}}
  settings = config.model_dump(mode="json", include={"export", "rerank", "combine", "index"}, exclude=unread)
  return files.fingerprint([fit.key(Run(config)), settings, flavour])


def replay_of(config: c.Config, again: bool = True) -> Callable[[pathlib.Path], None]:
  """Asks a version in a fresh process of Python, and in one without Python where there is a compiler.

  again: False asks without Python only where the version holds an op that none held before on this machine, as a graph that
  differs in its tables alone cannot answer otherwise there.
  """
  from tfrec_combo.serving import fresh, native

  python = fresh.FreshProcess()  # it imports TensorFlow while the models load
  runner = None
  if config.export.native_check == "auto":
    if native.available():
      runner = native.Runner()  # it builds while the models load
    else:
      log.info("export: not asked without Python, as there is no %s", native.COMPILER)

  def replay(folder: pathlib.Path) -> None:
    if runner is None or not (again or runner.lacks(folder)):
      python.replay(folder)
      return
    # Both mostly wait for a core of their own.
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
      native_too = beside.submit(runner.replay, folder)
      python.replay(folder)
      native_too.result()

  return replay


def evaluate(config: c.Config, model: pathlib.Path) -> dict:
  """Ranks held-out orders through the SavedModel, beside the peers, and writes the report."""
  import polars as pl

  from tfrec_combo.cli import facts
  from tfrec_combo.cli.held_out import OURS, examples, rankings, texts, traded
  from tfrec_combo.evaluation import report, score, tradeoff
  from tfrec_combo.pipeline.catalogue import catalogue
  from tfrec_combo.training.assemble import Run

  prepared(config)
  run = Run(config)
  key = _evaluation_key(config, model)
  done = run.evaluation / "report.json"
  if done.is_file():
    found = files.read_json(done)
    if found["run"].get("key") == key:
      log.info("evaluation: %s is up to date", run.evaluation)
      return found["result"]
  began = time.monotonic()
  products = catalogue(run.records)
  ranked, requests = rankings(run, model, products)
  again, some = traded(run, model, requests, products) if config.evaluation.tradeoff else ({}, [])
  vectors = texts(run, [*ranked.values(), *again.values()], products)
  result = score.score(ranked, requests, products, config.evaluation.k, config.seed, vectors)
  if again:
    result["tradeoff"] = tradeoff.curve(again, some, products, result["k"], vectors)
  queries = score.by_query(ranked, requests, result["k"])
  ndcg = queries.filter(pl.col("system") == OURS)["NDCG"].to_numpy()
  timings.note(config, "evaluate", began)
  told = facts.of_run(config, config.run_dir) | facts.of_model(model)
  told |= {"key": key, "examples": examples(ranked[OURS], requests, products, ndcg)}
  report.write_report(run.evaluation, result, told, facts.keyed(queries, requests, products))
  return result


def _evaluation_key(config: c.Config, model: pathlib.Path) -> str:
  """Changes when the report must be made anew: another export, other records, or other questions."""
  from tfrec_combo import __version__
  from tfrec_combo.records import manifest

  exported = model / "manifest.json"
  what = files.sha256(exported) if exported.is_file() else str(time.time())
  asked = config.model_dump(mode="json", include={"evaluation", "seed"})
  return files.fingerprint([__version__, what, manifest.key(config), asked])
