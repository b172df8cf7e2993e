"""How sure a mean over queries is and whether two systems differ, by resampling (Sakai, SIGIR 2006)."""

import dataclasses

import numpy as np
import scipy.stats

from tfrec_combo.base.errors import DataError, fault

LEVEL = 0.95
RESAMPLES = 1000
BATCH_VALUES = 4_000_000  # float64 values drawn at a time: 32 MB


@dataclasses.dataclass(frozen=True)
class Comparison:
  """Mean difference a - b over queries, its interval, and the chance of one as large were they alike."""

  difference: float
  low: float
  high: float
  p: float


def mean_interval(
  values: np.ndarray, *, seed: int, level: float = LEVEL, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
  """Bootstrap interval (percentiles) of the mean over the last axis.

  Args:
    values: [..., Q] float, one number a query; the rows are resampled together.
    seed: the same seed gives the same interval.

  Returns: low and high, both [...]; NaN where there are fewer than two queries to resample.
  """
  values = np.asarray(values, np.float64)
  if values.shape[-1] < 2 or not values.size:
    unknown = np.full(values.shape[:-1], np.nan)
    return unknown, unknown
  found = scipy.stats.bootstrap(
    (values,),
    np.mean,
    n_resamples=resamples,
    batch=_batch(values.size, resamples),
    axis=-1,
    confidence_level=level,
    method="percentile",
    rng=np.random.default_rng(seed),
  )
  return found.confidence_interval.low, found.confidence_interval.high


def compare(a: np.ndarray, b: np.ndarray, *, seed: int, resamples: int = 2 * RESAMPLES) -> Comparison:
  """Two systems on the same queries: bootstrap interval and two-sided sign-flip test of the mean difference.

  Args:
    a, b: [Q] float, the systems' numbers query by query; at least two queries.

  Raises:
    DataError: a and b are not of one length of two or more.
  """
  a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
  if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
    got = (a.shape, b.shape)
    raise DataError(
      fault("a and b", "must both be [Q] with two queries or more", got, "score the same queries")
    )
  change = a - b
  low, high = mean_interval(change, seed=seed, resamples=resamples)
  test = scipy.stats.permutation_test(
    (change,),
    np.mean,
    permutation_type="samples",
    vectorized=True,
    n_resamples=resamples,
    batch=_batch(change.size, resamples),
    rng=np.random.default_rng(seed),
  )
  return Comparison(float(change.mean()), float(low), float(high), float(test.pvalue))


def ratio_interval(
  a: np.ndarray, b: np.ndarray, *, seed: int, level: float = LEVEL, resamples: int = 2 * RESAMPLES
) -> tuple[float, float]:
  """Bootstrap interval (percentiles) of mean(a) / mean(b), the queries resampled in pairs.

  Args:
    a, b: [Q] float of 0 or more, the systems' numbers on the same queries.

  Returns: low and high; NaN where there are fewer than two queries, infinite where resampling leaves b nothing.

  Raises:
    DataError: a and b are not of one length.
  """
  a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
  if a.ndim != 1 or a.shape != b.shape:
    raise DataError(fault("a and b", "must both be [Q]", (a.shape, b.shape), "score the same queries"))
  if len(a) < 2:
    return np.nan, np.nan
  rng, found, step = np.random.default_rng(seed), [], _batch(a.size, resamples)
  for start in range(0, resamples, step):
    drawn = rng.integers(0, len(a), (min(step, resamples - start), len(a)))
    with np.errstate(divide="ignore", invalid="ignore"):
      found.append(a[drawn].mean(axis=1) / b[drawn].mean(axis=1))
  ends = [(1 - level) / 2, (1 + level) / 2]
  low, high = np.quantile(
    np.concatenate(found), ends, method="nearest"
  )  # nothing between a number and infinity
  return float(low), float(high)


def _batch(size: int, resamples: int) -> int:
  return int(np.clip(BATCH_VALUES // max(size, 1), 1, resamples))
