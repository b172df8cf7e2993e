"""Pages of runs from what lies in their folders; nothing is ranked again."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

from tfrec_combo.base import config as c
from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.cli import facts
from tfrec_combo.evaluation import comparison, kept, report

EVALUATION = "evaluation"


@dataclasses.dataclass(frozen=True)
class Written:
  """page: where it lies. side: `kept.side_by_side`, empty where nothing is evaluated. deltas: `kept.deltas`."""

  page: pathlib.Path
  runs: list[str]
  side: Mapping
  deltas: list[dict]


def write(folders: Sequence[pathlib.Path], out: pathlib.Path | None) -> Written:
  """The page of one run, or of several side by side, as HTML and as Markdown beside it.

  Raises:
    DataError: a folder is none of a run, or `out` is no .html.
  """
  if out is not None and out.suffix != ".html":
    raise DataError(fault("--out", "must end in .html", str(out), "name the page, such as report.html"))
  runs = kept.told_apart([_read(folder) for folder in folders], folders)
  side, deltas = kept.side_by_side(runs), kept.deltas(runs)
  if len(runs) > 1:
    page = out or folders[0].resolve().parent / "comparison.html"
    title = "Runs side by side: " + ", ".join(run.name for run in runs)
    report.write_both(page, title, comparison.headline(deltas), comparison.sections(runs, side, deltas))
  else:
    page = out or folders[0] / EVALUATION / report.HTML
    report.write_pages(page, runs[0].result, runs[0].run)
  return Written(page, [run.name for run in runs], side, deltas)


def _read(folder: pathlib.Path) -> kept.Kept:
  if (folder / EVALUATION / report.JSON).is_file():
    return kept.read(folder / EVALUATION)
  if (folder / "config.yaml").is_file():
    run = facts.of_run(c.load(folder / "config.yaml"), folder)
    return kept.Kept(run["name"], None, run)
  way_out = "name a run's folder, such as runs/my_shop, after `tfrec-combo prepare`"
  raise DataError(fault("RUN", "must be the folder of a run", str(folder), way_out))
