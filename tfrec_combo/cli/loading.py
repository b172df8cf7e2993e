"""Loading a model at the command line, without TensorFlow's first words."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from tfrec_combo.base.errors import ComboError

if TYPE_CHECKING:
  from tfrec_combo.serving.model import Model


def load(path: str) -> "Model":
  """The exported model in the folder `path`, with a spinner on a terminal.

  Raises:
    ModelError: see `serving.model.load`.
  """
  from rich.console import Console

  quiet = logging.getLogger("tfrec_combo").level >= logging.ERROR
  with (
    _held_back() as stderr,
    Console(file=stderr, force_jupyter=False, quiet=quiet).status("loading the model"),
  ):
    from tfrec_combo.serving import model

    return model.load(path)


@contextlib.contextmanager
def _held_back() -> Iterator[TextIO]:
  """Keeps back what comes to stderr and yields the real one; a bug shows what was kept, too.

  At the first session of a process TensorFlow's C++ tells of a GPU that is not there and of a pass it does not run, past
  every log level.
  """
  with tempfile.TemporaryFile() as held, os.fdopen(os.dup(2), "w") as real:
    os.dup2(held.fileno(), 2)
    try:
      yield real
    except Exception as e:
      if not isinstance(e, ComboError):
        held.seek(0)
        real.write(held.read().decode(errors="replace"))
      raise
    finally:
      os.dup2(real.fileno(), 2)
