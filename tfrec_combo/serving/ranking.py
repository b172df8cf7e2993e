"""A file of requests -> a file of rankings, in bounded memory."""

import dataclasses
import itertools
import json
import os
import pathlib
import time
from collections.abc import Callable

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.base.files import written_aside
from tfrec_combo.serving import answers, requests
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.model import Model
from tfrec_combo.serving.ready_made import ReadyMade

Progress = Callable[[int, int], object]  # requests answered so far, and how many there are by the bytes read


@dataclasses.dataclass(frozen=True)
class Ranked:
  """What was done: requests answered, seconds, and how many requests were cut, by input."""

  requests: int
  seconds: float
  cut: dict[str, int]


def rank_file(
  model: Model,
  queries: str | os.PathLike[str],
  out: str | os.PathLike[str],
  k: int,
  batch: int = 64,
  signature: str = "recommend",
  progress: Progress | None = None,
  bundles: ReadyMade | None = None,
) -> Ranked:
  """Answers each request of the JSONL file `queries`, in its order, with a line {"query_id", "ids"} of `out`.

  ids: up to k ids of products, or of bundles where the signature answers those, best first; with `bundles`, of those, and the
  signature is not asked. Products of the basket or exclusions beyond what the model's inputs hold are left out of the answer.
  `out` is replaced when all is answered, and not touched when anything fails.

  Raises:
    DataError: k or the signature does not fit the model, `out` is `queries`, or a line is wrong.
  """
  described = model.signature(signature)
  if bundles is None:
    answers.check_k(signature, described, k)
  if batch < 1:
    raise DataError(fault("--batch", "must be positive", batch, "64 is a good size"))
  if pathlib.Path(out).resolve() == pathlib.Path(queries).resolve():
    raise DataError(fault("--out", "must be another file than --queries", str(out), "name a new file"))
  batcher, size = bundles.batcher if bundles else Batcher(described), _size(queries)
  started, done = time.monotonic(), 0
  source = requests.read(queries)
  first = list(itertools.islice(source, batch))  # a missing file is told before anything is written
  with written_aside(out) as aside, open(aside, "w", encoding="utf-8") as f:
    part = first
    while part:
      asked = [request for request, _ in part]
      if bundles is None:
        outputs = model.predict(signature, batcher(asked))
        ranked = [answers.ids(outputs, row, k, batcher.beyond(request)) for row, request in enumerate(asked)]
      else:
        ranked = bundles.rank(asked, k)
      for request, ids in zip(asked, ranked):
        f.write(json.dumps({"query_id": request.query_id, "ids": ids}, ensure_ascii=False) + "\n")
      done += len(part)
      if progress:
        progress(done, max(done, round(done * size / part[-1][1])))
      part = list(itertools.islice(source, batch))
  batcher.log_cut()
  return Ranked(done, time.monotonic() - started, dict(batcher.cut))


def _size(path: str | os.PathLike[str]) -> int:
  try:
    return os.path.getsize(path)  # 0 of a pipe: then there is no estimate
  except OSError:
    return 0  # reading it says why
