"""An exported SavedModel, loaded and asked the way TF Serving does it."""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfrec_combo.base import manifest, saved_model
from tfrec_combo.base.errors import DataError, ModelError, fault
from tfrec_combo.base.saved_model import EXPORT, first_line
from tfrec_combo.base.stack import tf
from tfrec_combo.serving import op_libraries, signature
from tfrec_combo.serving.calls import Call
from tfrec_combo.serving.signature import Signature


def newest_version(path: str | os.PathLike[str]) -> pathlib.Path:
  """The version folder that `path` means: itself when it holds a SavedModel, else its child of the highest number.

  Children whose names are not whole numbers are passed over, as TF Serving does.

  Raises:
    ModelError: there is no such folder, or no version in it.
  """
  path = pathlib.Path(path)
  if not path.is_dir():
    raise ModelError(fault("--model", "must name a folder", str(path), EXPORT))
  if (path / "saved_model.pb").is_file():
    return path
  versions = [p for p in path.iterdir() if p.is_dir() and p.name.isascii() and p.name.isdigit()]
  if not versions:
    raise ModelError(fault("--model", "must hold a version, a folder named 1, 2, ...", str(path), EXPORT))
  return max(versions, key=lambda p: int(p.name))


class Model:
  """A loaded SavedModel: `signatures` by name, and `predict`. Closing it frees its memory; it is a context manager.

  `predict` may be called from many threads at once.
  """

  def __init__(self, folder: pathlib.Path, session: Any, meta_graph: Any):
    self.folder = folder  # of the version
    self._session = session
    self.signature_defs: dict[str, Any] = dict(meta_graph.signature_def)  # as saved, the init op's too
    definitions = saved_model.signatures(meta_graph)
    self.signatures: dict[str, Signature] = {n: signature.read(d) for n, d in definitions.items()}
    tensor = session.graph.get_tensor_by_name
    self._calls: dict[str, Call] = {}
    for name, d in definitions.items():
      fetches = {k: tensor(t.name) for k, t in d.outputs.items()}
      self._calls[name] = Call(
        session, [tensor(d.inputs[k].name) for k in self.signatures[name].inputs], fetches
      )

  @property
  def name(self) -> str:
    """`<name>/<version>`, as its folders are called."""
    return f"{self.folder.resolve().parent.name}/{self.folder.resolve().name}"

  def signature(self, name: str) -> Signature:
    """One signature.

    Raises:
      DataError: the model has none of that name.
    """
    if name not in self.signatures:
      way_out = "use one of: " + ", ".join(self.signatures)
      raise DataError(fault("signature", "must be one that the model has", name, way_out))
    return self.signatures[name]

  def predict(self, name: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Runs signature `name` on one batch: arrays by input name -> arrays by output name.

    Strings go in as str or bytes and come out as bytes, in arrays of objects.

    Raises:
      DataError: the signature, an input's name, its type or its shape is wrong, or the model refuses a value.
      ModelError: the model is closed, or lacks something it needs to answer.
    """
    arrays = signature.checked(self.signature(name), inputs)
    try:
      return self.run(name, arrays)
    except (
      tf.errors.InternalError
    ):  # TensorFlow's word for an object that is no string; it does not say where
      signature.check_strings(self.signature(name), arrays)
      raise
    except (TypeError, ValueError, tf.errors.InvalidArgumentError) as e:
      raise DataError(f"{name}: the model refuses its input: {first_line(e)}") from e
    except RuntimeError as e:  # the session's own word for being closed
      raise ModelError(f"{self.name}: {first_line(e)}; load it again") from e
    except (tf.errors.NotFoundError, tf.errors.FailedPreconditionError) as e:
      raise ModelError(f"{self.name} cannot answer {name}: {first_line(e)}; export it again") from e

  def run(
    self,
    name: str,
    arrays: Sequence[np.ndarray],
    outputs: Sequence[str] | None = None,
    seconds: float | None = None,
    polling: bool = False,
  ) -> dict[str, np.ndarray]:
    """Runs signature `name` on arrays of its types and shapes, in its order: `predict` without the checks.

    Args:
      outputs: names of those wanted; None: all.
      seconds: that it may take; beyond, it raises tf.errors.DeadlineExceededError. None: any.
      polling: by TensorFlow's run handlers (`RunOptions.Experimental.use_run_handler_pool`): threads that serve the oldest
        request first and, from the first such call on, look for work all the time instead of being woken for it.
    """
    return self._calls[name](arrays, outputs, seconds, polling)

  def close(self) -> None:
    """Frees the model; it answers no more."""
    self._session.close()

  def __enter__(self) -> "Model":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()


def load(path: str | os.PathLike[str]) -> Model:
  """Loads a version folder, or the newest version of a model folder; see `newest_version`.

  In session mode, as TF Serving's C++ does: it finds what Python's eager loader forgives, such as a variable that no
  restore fills, and each call is faster. The op libraries the graph needs are loaded first.

  Raises:
    ModelError: the folder, its variables or an op is missing, the files are damaged, or a later version of this package
      wrote them in a form unknown here; it says the way out.
  """
  folder = newest_version(path)
  manifest.read(folder)
  op_libraries.bring(saved_model.ops(saved_model.meta_graph(folder)))
  # A server shares its GPU with others unless it is told to take what it needs as it needs it.
  options = tf.compat.v1.ConfigProto(gpu_options={"allow_growth": True}, allow_soft_placement=True)
  session = tf.compat.v1.Session(graph=tf.Graph(), config=options)
  try:
    with _quiet():
      meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
    session.graph.finalize()
    return Model(folder, session, meta_graph)
  except ModelError:
    session.close()
    raise
  except (tf.errors.OpError, OSError, ValueError, RuntimeError) as e:
    session.close()
    raise ModelError(f"{folder} does not load: {first_line(e)}; copy it again or export it again") from e


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Keeps TensorFlow's word that session mode is deprecated from users, who cannot act on it."""
  logger = tf.get_logger()
  level = logger.level
  logger.setLevel("ERROR")
  try:
    yield
  finally:
    logger.setLevel(level)
