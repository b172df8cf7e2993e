"""Replays the requests a SavedModel brings along, in session mode, and holds the answers against those of the live model.

python -m tfrec_combo.serving.golden saved_models/NAME/1
"""

import pathlib
import subprocess
import sys

import numpy as np

from tfrec_combo.base.errors import ComboError, ModelError, fault
from tfrec_combo.serving import model

FOLDER = pathlib.Path("assets.extra") / "golden"
TOLERANCE = 1e-4  # of floats: the live model is traced without grappler's session rewrites


def replay(folder: pathlib.Path) -> dict[str, float]:
  """The largest difference of any number, by signature.

  Raises:
    ModelError: the folder brings no golden requests, does not load, fails to answer, or answers otherwise.
  """
  files = sorted((folder / FOLDER).glob("*.npz"))
  if not files:
    raise ModelError(fault(str(folder), "must hold golden requests", str(FOLDER), "export the model again"))
  worst = {}
  with model.load(folder) as served:
    for path in files:
      with np.load(path, allow_pickle=False) as arrays:
        inputs = {k[3:]: _objects(v) for k, v in arrays.items() if k.startswith("in:")}
        expected = {k[4:]: v for k, v in arrays.items() if k.startswith("out:")}
      answers = served.predict(path.stem, inputs)
      worst[path.stem] = max(_difference(f"{path.stem}.{k}", v, answers[k]) for k, v in expected.items())
  return worst


def replay_in_fresh_process(folder: pathlib.Path) -> None:
  """`replay` where neither Keras nor TFRS was ever imported, as a server would have it.

  Raises:
    ModelError: with the line that the process ended on.
  """
  command = [sys.executable, "-m", "tfrec_combo.serving.golden", str(folder)]
  done = subprocess.run(command, capture_output=True, text=True)
  if done.returncode:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    raise ModelError(f"the exported model does not serve: {lines[-1] if lines else 'no message'}")


def _objects(values: np.ndarray) -> np.ndarray:
  return values.astype(object) if values.dtype.kind == "S" else values


def _difference(name: str, expected: np.ndarray, got: np.ndarray) -> float:
  if expected.dtype.kind == "S":
    wrong = expected.astype(object) != got
    if wrong.any():
      place = tuple(int(i) for i in np.argwhere(wrong)[0])
      raise ModelError(f"{name}{list(place)} is {got[place]!r} and was {expected[place]!r} before the export")
    return 0.0
  difference = float(np.abs(expected.astype(np.float64) - got).max(initial=0))
  if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max(initial=0))):
    raise ModelError(f"{name} differs by {difference} from what it was before the export")
  return difference


def main() -> None:
  """Prints the differences; exits 1 with one line where the model does not serve."""
  try:
    worst = replay(pathlib.Path(sys.argv[1]))
  except ComboError as e:
    sys.exit(str(e))
  heavy = sorted({"tensorflow_recommenders", "keras_nlp", "keras_hub", "keras"} & set(sys.modules))
  if heavy:
    sys.exit(f"serving imported {', '.join(heavy)}")
  for name, difference in worst.items():
    print(f"{name}: largest difference {difference:.1e}")


if __name__ == "__main__":
  main()
