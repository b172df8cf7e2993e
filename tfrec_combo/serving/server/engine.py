"""The heart that both APIs share: a named model, inputs, outputs, within the server's limits."""

import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfrec_combo.serving.model import Model
from tfrec_combo.serving.server import predict, warmup
from tfrec_combo.serving.server.batching import Batcher
from tfrec_combo.serving.server.metrics import Metrics
from tfrec_combo.serving.server.models import Models
from tfrec_combo.serving.server.options import Options
from tfrec_combo.serving.server.predict import Arrays
from tfrec_combo.serving.server.status import Refused
from tfrec_combo.serving.signature import Signature

Inputs = Callable[
  [Signature], Mapping[str, np.ndarray]
]  # a request's own reader, once its signature is known


class Engine:
  """Models, and the one way to ask them."""

  def __init__(self, options: Options):
    self.options, self.metrics = options, Metrics()
    self.models = Models(self._warm_up, options.load_retries, options.load_retry_seconds)
    self._batchers: weakref.WeakKeyDictionary[Model, dict[str, Batcher]] = weakref.WeakKeyDictionary()
    self._lock = threading.Lock()

  def predict(
    self, of: str, model: Model, name: str, inputs: Inputs, output_filter: Sequence[str], deadline: float
  ) -> Arrays:
    """The outputs of signature `name` of a held model.

    Args:
      of: what the model is called, for the metrics.
      deadline: of `time.monotonic`.

    Raises:
      Refused: the request breaks a rule, its deadline passed, or the model refused it.
    """
    signature = predict.signature_of(model, name)
    name = name or predict.DEFAULT_SIGNATURE
    arrays = predict.complete(signature, inputs(signature), self.options.batch_rows)
    outputs = predict.chosen(signature, output_filter)
    started = time.monotonic()
    if self.options.batching and batchable(signature) and len({len(a) for a in arrays}) == 1:
      every = self._batcher(model, name)(arrays, deadline)
      found = {key: every[key] for key in outputs}
    else:
      found = predict.run(model, name, arrays, outputs, deadline, self.options.polling)
    self.metrics.ran(of, "Predict", time.monotonic() - started)
    return found

  def _batcher(self, model: Model, name: str) -> Batcher:
    assert self.options.batching is not None
    with self._lock:
      of_model = self._batchers.setdefault(model, {})
      if name not in of_model:
        outputs, known = list(model.signatures[name].outputs), weakref.ref(model)

        def run(arrays: Sequence[np.ndarray], deadline: float | None) -> Arrays:
          held = known()  # by the requests in the batch
          assert held is not None
          return predict.run(held, name, arrays, outputs, deadline, self.options.polling)

        of_model[name] = Batcher(run, self.options.batching)
      return of_model[name]

  def _warm_up(self, model: Model) -> None:
    started, asked, status = time.monotonic(), 0, "OK"
    try:
      asked = warmup.replay(model)
    except Refused as e:
      status = e.code.name
      raise
    finally:
      self.metrics.warmed_up(str(model.folder), status, time.monotonic() - started, asked)


def batchable(signature: Signature) -> bool:
  """Whether each input and output has rows, as many as there are."""
  specs = [*signature.inputs.values(), *signature.outputs.values()]
  return bool(signature.inputs) and all(s.shape and s.shape[0] is None for s in specs)
