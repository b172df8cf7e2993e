"""python -m benchmarks.speed [--stage NAME ...] [--quick] [--out DIR]"""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys

from benchmarks.speed.stages import STAGES


def main() -> None:
  """Each stage in a process of its own, one after the other; exits 1 where one failed, after the others have run."""
  parser = argparse.ArgumentParser(
    prog="python -m benchmarks.speed", description="Every stage beside its peer."
  )
  parser.add_argument("--stage", nargs="+", choices=STAGES, default=list(STAGES), help="none: all")
  parser.add_argument("--quick", action="store_true", help="the same over less data, in minutes")
  parser.add_argument(
    "--out", type=pathlib.Path, default=pathlib.Path("benchmarks/results"), help="speed.json, .md and .svg"
  )
  parser.add_argument(
    "--work", type=pathlib.Path, default=pathlib.Path("runs/speed"), help="what stages make and keep"
  )
  parser.add_argument(
    "--threads", type=int, default=os.cpu_count(), help="of ours, of the peers and of the ceilings"
  )
  parser.add_argument(
    "--sentence-transformers",
    metavar="PYTHON",
    default=os.environ.get("TFREC_COMBO_BENCH_PEER", ""),
    help="an interpreter that has sentence-transformers, which needs torch and so an environment of its own",
  )
  asked = parser.parse_args()
  if len(asked.stage) > 1:
    sys.exit(_each(asked))
  name = asked.stage[0]
  work = (asked.work / name).resolve()
  work.mkdir(parents=True, exist_ok=True)
  threads = str(asked.threads)
  os.environ |= {
    "TFREC_COMBO_BENCH_THREADS": threads,
    "TFREC_COMBO_BENCH_WORK": str(work),
    "TFREC_COMBO_BENCH_PEER": asked.sentence_transformers,
    **{key: threads for key in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")},
  }
  # Behind the environment, which TensorFlow and OpenMP read once.
  from benchmarks.speed import ceilings, pages, stages

  machine = dataclasses.asdict(ceilings.here()) | {"scale": "quick" if asked.quick else "full"}
  rows = stages.stage(name)(work, asked.quick)
  pages.merge(asked.out, name, rows, machine, list(STAGES))
  print(pages.markdown_table(pages.table(rows)))
  for row in rows:
    print(f"{row.stage}, against {row.against}: {row.note}" if row.note else "", flush=True)


def _each(asked: argparse.Namespace) -> str | int:
  own = ["--out", asked.out, "--work", asked.work, "--threads", asked.threads]
  own += ["--sentence-transformers", asked.sentence_transformers] + (["--quick"] if asked.quick else [])
  failed = []
  for name in asked.stage:
    command = [sys.executable, "-m", "benchmarks.speed", "--stage", name, *map(str, own)]
    if subprocess.run(command, check=False).returncode:
      failed.append(name)
  return f"error: failed: {', '.join(failed)}" if failed else 0


if __name__ == "__main__":
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  main()
