"""Which devices train, and what their workers do together."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from tfrec_combo.base.errors import ConfigError, ModelError, fault
from tfrec_combo.base.saved_model import first_line
from tfrec_combo.base.settings import Training
from tfrec_combo.base.stack import tf
from tfrec_combo.training import workers

# What TensorFlow raises in a worker when another is gone.
_GONE = (
  tf.errors.UnavailableError,
  tf.errors.AbortedError,
  tf.errors.CancelledError,
  tf.errors.DeadlineExceededError,
  tf.errors.InternalError,
)

LEAST_THREADS = 4  # that run ops at once, with several workers


def choose(training: Training) -> tf.distribute.Strategy:
  """`auto`: MirroredStrategy over all GPUs, one CPU device where there is none. `mirrored`: over all GPUs, or else over all
  logical CPU devices. `multi_worker`: MultiWorkerMirroredStrategy, the cluster from TF_CONFIG. `none`: the default strategy.

  Raises:
    ModelError: a worker of the cluster is not there.
    ConfigError: TF_CONFIG cannot be read.
  """
  if training.gpu_memory == "as_needed":
    for gpu in tf.config.list_physical_devices("GPU"):
      tf.config.experimental.set_memory_growth(gpu, True)
  if training.strategy == "multi_worker":
    # Before anything else touches the devices: collectives are set up first.
    return _over_workers(training)
  gpus = tf.config.list_logical_devices("GPU")
  if training.strategy == "mirrored":
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([d.name for d in devices])
  if training.strategy == "auto" and gpus:
    return tf.distribute.MirroredStrategy()
  return tf.distribute.get_strategy()


def _over_workers(training: Training) -> tf.distribute.Strategy:
  found = workers.cluster()
  if found is not None:
    workers.meet(found, training.worker_timeout)
    # A step has several collectives. With one thread each worker may wait in another of them, for ever.
    threads = tf.config.threading
    said = threads.get_inter_op_parallelism_threads() or int(os.environ.get("TF_NUM_INTEROP_THREADS", "0"))
    if said:
      threads.set_inter_op_parallelism_threads(max(said, LEAST_THREADS))
  kinds = tf.distribute.experimental.CommunicationImplementation
  options = tf.distribute.experimental.CommunicationOptions(
    implementation=kinds[training.collectives.upper()]
  )
  return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)


def check_batch(name: str, batch: int, strategy: tf.distribute.Strategy) -> None:
  """Refuses a global batch that the replicas cannot share equally.

  Raises:
    ConfigError: names the setting.
  """
  replicas = strategy.num_replicas_in_sync
  if batch % replicas:
    way_out = f"choose a multiple of {replicas}"
    raise ConfigError(fault(name, f"must be divisible by the {replicas} replicas", batch, way_out))


def is_chief(strategy: tf.distribute.Strategy) -> bool:
  """Whether this process writes what is kept; of one process alone, it does."""
  return bool(strategy.extended.should_checkpoint)


def agreed(strategy: tf.distribute.Strategy, value: float = 0.0) -> float:
  """The mean of what the workers say, the same number in each; none goes on before all have said it."""
  if not several(strategy):
    return value
  mean = tf.distribute.ReduceOp.MEAN
  together = tf.function(lambda own: strategy.reduce(mean, strategy.run(tf.identity, (own,)), axis=None))
  return float(together(tf.constant(value, tf.float32)))


def several(strategy: tf.distribute.Strategy) -> bool:
  """Whether other processes train with this one."""
  return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and workers.cluster() is not None


@contextlib.contextmanager
def chief_first(strategy: tf.distribute.Strategy) -> Iterator[None]:
  """A block that the chief leaves before the other workers enter it: they find what it has written."""
  if not is_chief(strategy):
    agreed(strategy)
  yield
  if is_chief(strategy):
    agreed(strategy)


@contextlib.contextmanager
def written_by_chief(folder: pathlib.Path, strategy: tf.distribute.Strategy) -> Iterator[pathlib.Path]:
  """`folder` for the chief, and for other workers one that is thrown away."""
  if is_chief(strategy):
    yield folder
    return
  with tempfile.TemporaryDirectory() as thrown_away:
    yield pathlib.Path(thrown_away)


@contextlib.contextmanager
def watched(strategy: tf.distribute.Strategy) -> Iterator[None]:
  """Says what it means when TensorFlow loses another worker.

  Raises:
    ModelError: one is gone.
  """
  try:
    yield
  except _GONE as e:
    if not several(strategy):
      raise
    raise ModelError(
      f"another worker is gone ({first_line(e)}); start all of them again, and training goes on after its last whole epoch"
    ) from e
