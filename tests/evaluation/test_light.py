"""Evaluating needs no TensorFlow."""

import subprocess
import sys


def test_metrics_and_evaluation_import_no_tensorflow():
  rooms = ("metrics.ranking", "metrics.beyond_accuracy", "metrics.intervals")
  rooms += (
    "evaluation.peers",
    "evaluation.score",
    "evaluation.report",
    "evaluation.tradeoff",
    "evaluation.comparison",
  )
  rooms += ("metrics.sets", "merchandising.report")
  lines = [f"import tfrec_combo.{room}" for room in rooms] + [
    "import sys",
    "print('tensorflow' in sys.modules)",
  ]
  done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
  assert done.stdout.strip() == "False"
