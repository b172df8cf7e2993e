"""TF Serving's metrics, by its names, for Prometheus."""

import collections
import threading
from collections.abc import Iterator

import prometheus_client
from prometheus_client.core import Metric

PREFIX = ":tensorflow:serving:"
BOUNDS = [10 * 1.8**i for i in range(33)]  # microseconds; exponential(10, 1.8, 33)

prometheus_client.disable_created_metrics()


class Metrics:
  """What a server counts: requests by status, and how long they and the model's own runs took, in microseconds."""

  def __init__(self) -> None:
    self._registry = prometheus_client.CollectorRegistry()
    self._counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
    self._lock = threading.Lock()
    self._registry.register(self)
    self._request = self._histogram(
      "request_latency", "Time a request took", ("model_name", "API", "entrypoint")
    )
    self._runtime = self._histogram("runtime_latency", "Time the model ran", ("model_name", "API", "runtime"))
    self._warmup = self._histogram("model_warmup_latency", "Time a warm-up took", ("model_path", "status"))

  def _histogram(self, name: str, help_text: str, labels: tuple[str, ...]) -> prometheus_client.Histogram:
    return prometheus_client.Histogram(
      PREFIX + name, help_text + ", microseconds", labels, registry=self._registry, buckets=BOUNDS
    )

  def request(self, model: str, api: str, entrypoint: str, status: str, seconds: float) -> None:
    """Counts a request; as in TF Serving, only one that succeeded tells how long it took."""
    with self._lock:
      self._counts["request_count", model, status] += 1
    if status == "OK":
      self._request.labels(model, api, entrypoint).observe(seconds * 1e6)

  def ran(self, model: str, api: str, seconds: float) -> None:
    """Counts a run of a model."""
    self._runtime.labels(model, api, "TF1").observe(seconds * 1e6)

  def warmed_up(self, path: str, status: str, seconds: float, records: int) -> None:
    """Counts the warm-up of a version and the records it read."""
    self._warmup.labels(path, status).observe(seconds * 1e6)
    with self._lock:
      self._counts["model_warmup_records_read", path, status] += records

  def collect(self) -> Iterator[Metric]:
    """The counters as prometheus_client wants them. Not its own: those put `_total` behind TF Serving's names."""
    labels = {
      "request_count": ("model_name", "status"),
      "model_warmup_records_read": ("model_path", "status"),
    }
    with self._lock:
      counts = dict(self._counts)
    for name, keys in labels.items():
      metric = Metric(PREFIX + name, f"Number of {name.replace('_', ' ')}", "unknown")
      for (of, *values), count in sorted(counts.items()):
        if of == name:
          metric.add_sample(PREFIX + name, dict(zip(keys, values)), count)
      yield metric

  def text(self) -> bytes:
    """Everything in Prometheus' text format."""
    return prometheus_client.generate_latest(self._registry)
