"""Replays the requests a SavedModel brings along, in session mode, and holds the answers against those of the live model.

python -m tfrec_combo.serving.golden saved_models/NAME/1    (-: the folder is read from standard input)
"""

import pathlib
import sys
from collections.abc import Mapping

import numpy as np

from tfrec_combo.base import manifest, saved_model
from tfrec_combo.base.errors import ComboError, ModelError, fault
from tfrec_combo.base.stack import tf
from tfrec_combo.serving import model, warmup
from tfrec_combo.serving.comparing import difference, near
from tfrec_combo.serving.model import Model

FOLDER = pathlib.Path("assets.extra") / "golden"
HEAVY = ("tensorflow_recommenders", "keras_nlp", "keras_hub", "keras")

Arrays = dict[str, np.ndarray]


def requests(folder: pathlib.Path) -> dict[str, tuple[Arrays, Arrays]]:
  """Inputs, and answers of the live model, of each signature that has golden requests; strings are objects.

  Raises:
    ModelError: there are none.
  """
  files = sorted((folder / FOLDER).glob("*.npz"))
  if not files:
    raise ModelError(fault(str(folder), "must hold golden requests", str(FOLDER), "export the model again"))
  return {path.stem: _read(path) for path in files}


def replay(folder: pathlib.Path) -> dict[str, float]:
  """The largest difference of any number, by signature.

  Each signature answers its golden requests as the live model did, the same one request at a time as in a batch, the same
  where a request leaves out what has a default, and answers its warm-up requests.

  Raises:
    ModelError: the folder brings no golden requests, does not load, fails to answer, or answers otherwise.
  """
  asked, worst = requests(folder), {}
  with model.load(folder) as served:
    for name, (inputs, expected) in asked.items():
      answers = served.predict(name, inputs)
      worst[name] = difference(name, expected, answers, "before the export")
      _rows_stand_alone(served, name, inputs, answers)
      _defaults_are_one_row(served, name, inputs)
      _words_are_utf8(name, answers)
    if (folder / warmup.FILE).is_file() or manifest.read(folder) is not None:
      warmup.replay(served)
  return worst


def _read(path: pathlib.Path) -> tuple[Arrays, Arrays]:
  with np.load(path, allow_pickle=False) as arrays:
    every = {k: _objects(v) for k, v in arrays.items()}
  inputs = {k[3:]: v for k, v in every.items() if k.startswith("in:")}
  return inputs, {k[4:]: v for k, v in every.items() if k.startswith("out:")}


def _objects(values: np.ndarray) -> np.ndarray:
  return values.astype(object) if values.dtype.kind == "S" else values


def _rows_stand_alone(served: Model, name: str, inputs: Arrays, whole: Mapping[str, np.ndarray]) -> None:
  """TF Serving joins requests to batches and fills batches up: no row may change for its neighbours."""
  rows = len(next(iter(inputs.values())))
  for key, value in whole.items():
    if value.ndim < 1 or len(value) != rows:
      raise ModelError(
        fault(f"{name}: output {key}", f"must have the {rows} rows asked", value.shape, "keep dimension 0")
      )
  alone = [served.predict(name, {k: v[i : i + 1] for k, v in inputs.items()}) for i in range(rows)]
  joined = {k: np.concatenate([one[k] for one in alone]) for k in whole}
  when = "in a batch of several: rows of a batch must not know of each other"
  try:
    difference(name, whole, joined, when)
  except ModelError:
    if _exact(served.folder):
      raise
    near(name, whole, joined, when)


def _exact(folder: pathlib.Path) -> bool:
  """Whether the model's index compares a query with every product; one without a manifest is held to that."""
  return ((manifest.read(folder) or {}).get("index") or {"kind": "exact"})["kind"] == "exact"


def _defaults_are_one_row(served: Model, name: str, inputs: Arrays) -> None:
  """TF Serving feeds a default as it stands, [1, ...] beside inputs of B rows, and the graph must repeat it."""
  described = served.signature(name)
  if not described.defaults:
    return
  rows = len(next(iter(inputs.values())))
  usual = dict(described.defaults)
  if len(usual) == len(described.inputs):
    del usual[min(usual)]  # one is said, or nothing says how many rows there are
  full = {k: np.repeat(v, rows, axis=0) for k, v in usual.items()}
  fed = {**inputs, **usual}
  said = served.predict(name, inputs | full)
  try:
    silent = served.run(name, [np.asarray(fed[k]) for k in described.inputs])
  except tf.errors.OpError as e:
    rule = f"must go with {rows} rows: TF Serving feeds it as it stands"
    raise ModelError(
      fault(f"{name}: a default", rule, saved_model.first_line(e), "repeat it in the graph")
    ) from e
  difference(name, said, silent, "where each row said the default")


def _words_are_utf8(name: str, answers: Mapping[str, np.ndarray]) -> None:
  for key, values in answers.items():
    if values.dtype == object and not key.endswith("_bytes"):
      for value in values.flat:
        try:
          value.decode()
        except UnicodeDecodeError:
          rule = "must be UTF-8: TF Serving writes it into JSON as it stands"
          way_out = "name the output ..._bytes, which REST answers in base64"
          raise ModelError(fault(f"{name}: output {key}", rule, value, way_out)) from None


def main() -> None:
  """Prints the differences; exits 1 with one line where the model does not serve."""
  try:
    named = sys.argv[1] if sys.argv[1] != "-" else sys.stdin.readline().rstrip("\n")
    if not named:
      return  # whoever would have named one is gone
    folder = pathlib.Path(named)
    worst = replay(folder)
    portable = (manifest.read(folder) or {}).get("flavour") == "portable"
  except ComboError as e:
    sys.exit(str(e))
  heavy = sorted({*HEAVY, *(["scann"] if portable else [])} & set(sys.modules))
  if heavy:
    sys.exit(f"serving imported {', '.join(heavy)}")
  for name, largest in worst.items():
    print(f"{name}: largest difference {largest:.1e}")


if __name__ == "__main__":
  main()
