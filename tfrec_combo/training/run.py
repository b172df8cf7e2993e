"""A run: where its stages leave their work, and what its records hold."""

import dataclasses
import pathlib

from tfrec_combo.base.config import Config
from tfrec_combo.records import manifest


@dataclasses.dataclass(frozen=True)
class Run:
  """Where the stages of a run leave their work."""

  config: Config

  @property
  def records(self) -> pathlib.Path:
    """TFRecord of the examples and the catalogue."""
    return self.config.run_dir / "records"

  @property
  def towers(self) -> pathlib.Path:
    """Checkpoints of the two-tower model."""
    return self.config.run_dir / "towers"

  @property
  def ranker(self) -> pathlib.Path:
    """Checkpoints of the ranker."""
    return self.config.run_dir / "ranker"

  @property
  def sets(self) -> pathlib.Path:
    """Checkpoints of the set model."""
    return self.config.run_dir / "sets"

  @property
  def bundles(self) -> pathlib.Path:
    """Checkpoints of the bundle task, where there is one."""
    return self.config.run_dir / "bundles"

  @property
  def texts(self) -> pathlib.Path:
    """Text vectors, shared by all runs."""
    return pathlib.Path(self.config.runs) / "text_cache"

  @property
  def evaluation(self) -> pathlib.Path:
    """The report."""
    return self.config.run_dir / "evaluation"


def splits(run: Run, wanted: tuple[str, ...]) -> tuple[str, ...]:
  """Those of `wanted` that hold examples."""
  counts = manifest.read_manifest(run.records).counts
  return tuple(s for s in wanted if counts.get(s, 0))
