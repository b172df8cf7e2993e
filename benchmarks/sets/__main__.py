"""python -m benchmarks.sets {bundlerec,complete-journey} --protocol DIR --out DIR [--model DIR ...]"""

import argparse
import logging
import os
import pathlib
import sys

import yaml

from benchmarks.quality.run import publish
from benchmarks.sets import inner
from benchmarks.sets.problem import SHOPS
from benchmarks.sets.run import run
from tfrec_combo.base.errors import ComboError


def main() -> None:
  """Runs one benchmark, or makes an inner problem; exits 1 with one line where something is missing or wrong."""
  parser = argparse.ArgumentParser(
    prog="python -m benchmarks.sets", description="Our sets and the peers' on one protocol."
  )
  parser.add_argument("benchmark", choices=SHOPS)
  parser.add_argument(
    "--protocol", type=pathlib.Path, required=True, help="the folder that protocol.py wrote"
  )
  parser.add_argument("--out", type=pathlib.Path, required=True, help="where all that is made lands")
  parser.add_argument(
    "--inner", action="store_true", help="only write an inner protocol folder to --out: to choose settings on"
  )
  parser.add_argument("--model", type=pathlib.Path, nargs="*", default=[], help="SavedModels, of other seeds")
  parser.add_argument("--seeds", type=int, nargs="*", default=[], help="of models that are built in --out")
  parser.add_argument("--draw", type=int, default=0, help="of the seed products, or of the inner problem")
  which = parser.add_mutually_exclusive_group()
  which.add_argument("--no-peers", action="store_true", help="ours alone")
  which.add_argument("--kept-peers", action="store_true", help="score the sets of the last run's peers again")
  parser.add_argument("--results", type=pathlib.Path, help="a folder for copies of report.json, .md and .svg")
  parser.add_argument(
    "--set",
    action="append",
    default=[],
    metavar="KEY=VALUE",
    help="a setting on top of the config, of --seeds",
  )
  parser.add_argument(
    "--wish",
    action="append",
    default=[],
    metavar="INPUT=VALUE",
    help="an input of combine, such as diversity=0.3",
  )
  asked = parser.parse_args()
  logging.basicConfig(level=logging.INFO, format="%(message)s")
  try:
    if asked.inner:
      make = inner.bundlerec if asked.benchmark == "bundlerec" else inner.complete_journey
      print(f"{make(asked.protocol, asked.out, seed=asked.draw):,} queries in {asked.out}")
      return
    run(
      SHOPS[asked.benchmark],
      asked.protocol,
      asked.out,
      asked.model,
      asked.seeds,
      asked.draw,
      "none" if asked.no_peers else "kept" if asked.kept_peers else "run",
      _pairs(asked.set),
      _pairs(asked.wish),
    )
  except ComboError as e:
    sys.exit(f"error: {e}")
  if asked.results:
    publish(asked.out, asked.results, f"sets-{asked.protocol.resolve().name}")
  print((asked.out / "report.md").read_text(encoding="utf-8"))


def _pairs(texts: list[str]) -> dict:
  return {key: yaml.safe_load(value) for key, _, value in (text.partition("=") for text in texts)}


if __name__ == "__main__":
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  main()
