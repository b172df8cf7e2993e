"""Ready-made bundles of a file, ranked for requests by the signature `rank_bundles`."""

import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from tfrec_combo.base.errors import DataError, ModelError, fault
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.model import Model
from tfrec_combo.serving.requests import Request

SIGNATURE = "rank_bundles"
NOTHING = -1e8  # a score below is that of a bundle of which no member can be answered
READERS: dict[str, Callable[..., pl.DataFrame]] = {
  ".parquet": pl.read_parquet,
  ".jsonl": pl.read_ndjson,
  ".csv": pl.read_csv,
}


def read_bundles(path: str | os.PathLike[str]) -> dict[str, list[str]]:
  """The products of each bundle of a table with bundle_id and product_id, one row a member: CSV, JSONL or Parquet.

  Raises:
    DataError: the file cannot be read, or lacks one of the columns.
  """
  path = pathlib.Path(path)
  reader = READERS.get(path.suffix)
  if reader is None:
    raise DataError(
      fault("--bundles", "must be .csv, .jsonl or .parquet", path.name, "name a table of bundles")
    )
  try:
    table = reader(path, infer_schema=False) if reader is pl.read_csv else reader(path)
    table = (
      table.select(pl.col("bundle_id", "product_id").cast(pl.String)).drop_nulls().unique(maintain_order=True)
    )
  except (OSError, pl.exceptions.PolarsError) as e:
    reason = str(e).splitlines()[0]
    raise DataError(fault("--bundles", "must hold bundle_id and product_id", str(path), reason)) from None
  return dict(table.group_by("bundle_id", maintain_order=True).agg("product_id").iter_rows())


class ReadyMade:
  """Ranks the bundles of a catalogue; each request costs one call of the model for as many bundles as a call takes.

  A bundle's score is the mean over its members, so that a large one is not ahead for its size alone. Bundles that are larger
  than the model takes are left out: `too_large` holds their ids.
  """

  def __init__(self, model: Model, bundles: dict[str, list[str]]):
    if SIGNATURE not in model.signatures:
      way_out = "export it again with this version"
      raise ModelError(fault(model.name, f"must have the signature {SIGNATURE}", "a model without", way_out))
    self.model, self.batcher = model, Batcher(model.signature(SIGNATURE))
    count, size = model.signature(SIGNATURE).inputs["set_ids"].shape[1:]
    self.at_once = int(count or 1)
    self.too_large = [i for i, members in bundles.items() if len(members) > (size or 0)]
    self.ids = [i for i in bundles if i not in set(self.too_large)]
    self.members = [bundles[i] for i in self.ids]

  def rank(self, requests: Sequence[Request], k: int) -> list[list[str]]:
    """Ids of the k best bundles of each request, best first, without those it excludes and those of which no member can be
    answered."""
    parts = []
    plain = [r.model_copy(update={"exclude": None, "sets": None}) for r in requests]
    for start in range(0, len(self.ids), self.at_once):
      sets = self.members[start : start + self.at_once]
      asked = [r.model_copy(update={"sets": sets}) for r in plain]
      answer = self.model.predict(SIGNATURE, self.batcher(asked))
      scores = answer["set_scores"][:, : len(sets)]
      known = np.array([len(s) for s in sets]) - answer["unknown"][:, : len(sets)]
      parts.append(np.where(scores > NOTHING, scores / np.maximum(known, 1), -np.inf))
    scores = np.concatenate(parts, axis=1) if parts else np.zeros([len(requests), 0])
    order = np.argsort(-scores, axis=1, kind="stable")
    found = []
    for row, request, values in zip(order, requests, scores):
      gone = set(request.exclude or ())
      found.append([self.ids[i] for i in row if values[i] > -np.inf and self.ids[i] not in gone][:k])
    return found
