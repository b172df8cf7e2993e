"""Whether two answers of one request are the same, but for rounding and what rounding decides."""

from collections.abc import Mapping

import numpy as np

from tfrec_combo.base.errors import ModelError

TOLERANCE = 1e-4  # of floats, relative to the largest of an output, 1 at least
MOSTLY = 0.9  # share of a ranking's ids that an approximate index must find again
LOOSE = 0.25  # log odds
SCORES = ("scores", "set_scores")  # outputs that put the others in order


def difference(
  name: str, expected: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], when: str
) -> float:
  """The largest difference of any number between two answers of a signature.

  Products of equal scores may stand in another order: rounding decides between them, and it differs with the size of a
  batch and with what a session fuses. Nothing else may.

  Args:
    name: of the signature. when: what was expected, for the message, such as "before the export".

  Raises:
    ModelError: a string differs, or a number by more than TOLERANCE; it names the place.
  """
  for key, wanted in expected.items():
    if got[key].shape != wanted.shape:
      raise ModelError(
        f"{name}.{key} has the shape {list(got[key].shape)} and had {list(wanted.shape)} {when}"
      )
  tied = _tied(expected, got)
  worst = 0.0
  for key, wanted in expected.items():
    found, place = got[key], f"{name}.{key}"
    loose = _spread(tied, wanted)
    if wanted.dtype.kind in "SO":
      wrong = (wanted.astype(object) != found.astype(object)) & ~loose
      if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ModelError(f"{place}{list(at)} is {found[at]!r} and was {wanted[at]!r} {when}")
    else:
      same = loose | (wanted == found)  # two infinities are one number
      apart = np.abs(np.where(same, 0, wanted.astype(np.float64)) - np.where(same, 0, found))
      largest = float(apart.max(initial=0))
      if not largest <= _bound(wanted):
        raise ModelError(f"{place} differs by {largest} from what it was {when}")
      worst = max(worst, largest)
  return worst


def _bound(values: np.ndarray) -> float:
  finite = np.abs(values[np.isfinite(values)], dtype=np.float64)
  return TOLERANCE * max(1.0, float(finite.max(initial=0)))


def _tied(expected: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray]) -> np.ndarray | None:
  """[B, K] bool: places whose score a neighbour shares, by both answers; None where nothing is ranked.

  The last place may be shared with one that is not answered.
  """
  name = next((n for n in SCORES if n in expected), None)
  if name is None or expected[name].ndim != 2:
    return None
  scores = expected[name].astype(np.float64)
  near = np.abs(np.diff(scores, axis=1)) <= 1e-5 * np.maximum(1, np.abs(scores[:, 1:]))
  tied = np.zeros(scores.shape, bool)
  tied[:, 1:] |= near
  tied[:, :-1] |= near
  tied[:, -1:] = True
  return tied & (np.abs(scores - got[name]) <= 1e-5 * np.maximum(1, np.abs(scores)))


def _spread(tied: np.ndarray | None, values: np.ndarray) -> np.ndarray:
  """`tied` in the shape of an output, all False where it is ranked by nothing."""
  if tied is None or values.shape[:2] != tied.shape:
    return np.zeros(values.shape, bool)
  return np.broadcast_to(tied.reshape(tied.shape + (1,) * (values.ndim - 2)), values.shape)


def near(name: str, expected: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], when: str) -> None:
  """As `difference`, for what stands on an approximate index.

  Which of two nearly equal neighbours such an index finds is decided by rounding, and the one found shifts those behind it. So
  rankings may differ by a few of their ids, whose order says the rest, and sets by what that makes of the best one's score; what
  ranks nothing is held to `difference`.

  Raises:
    ModelError: fewer than MOSTLY of a request's ids are in both rankings, a best set is worth more than LOOSE more or less, or
      anything else differs.
  """
  for key in ("product_ids", "bundle_ids"):
    for row, (one, other) in enumerate(zip(expected.get(key, ()), got.get(key, ()))):
      wanted, found = ({i for i in ids.tolist() if i} for ids in (one, other))
      if len(wanted & found) < MOSTLY * len(wanted):
        raise ModelError(
          f"{name}.{key}[{row}] shares {len(wanted & found)} of {len(wanted)} ids with what it was {when}"
        )
  if "set_scores" in expected:
    apart = np.abs(expected["set_scores"][:, 0].astype(np.float64) - got["set_scores"][:, 0])
    if (apart > LOOSE).any():
      row = int(apart.argmax())
      raise ModelError(f"{name}.set_scores[{row}, 0] differs by {apart[row]:.3g} from what it was {when}")
  if "status" in expected and (expected["status"] != got["status"]).any():
    raise ModelError(
      f"{name}.status is {got['status'].tolist()} and was {expected['status'].tolist()} {when}"
    )
  if not {"product_ids", "bundle_ids", "set_ids", "set_scores"} & expected.keys():
    difference(name, expected, got, when)
