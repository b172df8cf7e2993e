"""`tfrec-combo quickstart`: the whole line on a real shop."""

import subprocess
import sys
from typing import Any

from tfrec_combo.cli.options import ConfigOption, SetOption, read_config
from tfrec_combo.cli.output import Answer


def quickstart(config: ConfigOption = "quickstart", overrides: SetOption = None) -> Answer:
  """From a real shop's year of orders to served combinations: every stage, what is done already is reused.

  Example: tfrec-combo quickstart
  """
  from tfrec_combo.cli import stages
  from tfrec_combo.cli.scores import show

  settings = read_config(config, overrides)
  stages.prepare(settings)
  stages.train(settings)
  folder = stages.export(settings)
  result = stages.evaluate(settings, folder)
  report = settings.run_dir / "evaluation"
  value = {"model": str(folder), "report": str(report / "report.html"), "result": result}

  def told() -> None:
    _ask(settings, folder)
    show(result, report)

  return Answer(value, told)


def _ask(settings: Any, folder: Any) -> None:
  """Some requests, as they would be typed, and their answers."""
  from tfrec_combo.cli.samples import sample_requests  # it imports TensorFlow

  # A fresh process, as any server would be: it imports neither Keras nor TFRS.
  for request in sample_requests(settings):
    print(
      "\n$ tfrec-combo recommend " + subprocess.list2cmdline(["--model", str(folder.parent), *request]),
      flush=True,
    )
    subprocess.run(
      [sys.executable, "-m", "tfrec_combo.cli", "recommend", "--model", str(folder), *request], check=True
    )
