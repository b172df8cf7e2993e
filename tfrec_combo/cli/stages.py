"""The stages of a run, one after the other; what is done already for the same settings is not done again."""

import logging
import time

from tfrec_combo.base import config as c
from tfrec_combo.base import files
from tfrec_combo.base.progress import bar

log = logging.getLogger(__name__)


def prepare(config: c.Config, fresh: bool = False) -> dict:
  """Reads, checks and splits the log and writes TFRecord; returns the data profile."""
  from tfrec_combo.logs import sources
  from tfrec_combo.logs.split import decide, profile
  from tfrec_combo.records import manifest
  from tfrec_combo.training.assemble import Run

  run = Run(config)
  key = manifest.key(config)
  if not fresh and manifest.is_complete(run.records, key) and (config.run_dir / "profile.json").is_file():
    log.info("records: %s is up to date", run.records)
    return files.read_json(config.run_dir / "profile.json")
  from tfrec_combo.records.builder import write

  log.info("read %s", config.data.source)
  decisions = decide(sources.read(config, config.run_dir / "dropped.json"), config)
  with bar("write records") as update:
    write(decisions, config, run.records, update)
  files.write_json(config.run_dir / "profile.json", profile(decisions))
  with files.written_aside(config.run_dir / "config.yaml") as aside:
    aside.write_text(c.dump(config))
  return profile(decisions)


class Timer:
  """Seconds of named steps, for the report."""

  def __init__(self):
    self.seconds: dict[str, float] = {}

  def __call__(self, name, function, *args, **kwargs):
    """Runs and times one step."""
    start = time.monotonic()
    result = function(*args, **kwargs)
    self.seconds[name] = round(time.monotonic() - start, 1)
    return result
