"""A session's signatures as plain calls.

`Session.run` looks every feed and fetch up at each call, which takes longer than the smaller models do (0.6 ms for ten
tensors); here they are looked up once. What it does then, through the same functions, is what is done here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfrec_combo.base.stack import tf, tf_session


class Call:
  """One signature of a finalised graph: arrays in the order of `feeds` in, arrays by output name out. Thread-safe."""

  def __init__(self, session: Any, feeds: Sequence[Any], fetches: Mapping[str, Any]):
    self._session = session
    self._feeds = [tensor._as_tf_output() for tensor in feeds]
    self._fetches = {name: tensor._as_tf_output() for name, tensor in fetches.items()}
    session._extend_graph()  # the graph as it now stands is the one that runs

  def __call__(
    self,
    arrays: Sequence[np.ndarray],
    outputs: Sequence[str] | None,
    seconds: float | None,
    polling: bool = False,
  ) -> dict[str, np.ndarray]:
    """The outputs wanted, None for all, within `seconds`, None for any; see `Model.run` for `polling`.

    Raises:
      tf.errors.OpError: the graph refuses a value, or it took longer.
      RuntimeError: the session is closed.
    """
    if self._session._closed:
      raise RuntimeError("Attempted to use a closed Session.")
    wanted = list(self._fetches) if outputs is None else outputs
    fed, fetched = dict(zip(self._feeds, arrays)), [self._fetches[name] for name in wanted]
    if seconds is None and not polling:
      return dict(zip(wanted, self._session._call_tf_sessionrun(None, fed, fetched, [], None)))
    options = tf.compat.v1.RunOptions(timeout_in_ms=0 if seconds is None else max(1, int(seconds * 1000)))
    options.experimental.use_run_handler_pool = polling
    buffer = tf_session.TF_NewBufferFromString(options.SerializeToString())
    try:
      return dict(zip(wanted, self._session._call_tf_sessionrun(buffer, fed, fetched, [], None)))
    finally:
      tf_session.TF_DeleteBuffer(buffer)
