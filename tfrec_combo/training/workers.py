"""The workers of a cluster: who they are, whether all are there before anything waits for them, and which one writes."""

import contextlib
import json
import os
import socket
import time
from typing import NamedTuple

from tfrec_combo.base.errors import ConfigError, ModelError, fault

VARIABLE = "TF_CONFIG"
_EXAMPLE = (
  '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}},'
  " with index 1 on the second machine"
)


class Cluster(NamedTuple):
  """addresses: host:port of each worker, the chief's first; own: the place of this process among them."""

  addresses: list[str]
  own: int


def cluster() -> Cluster | None:
  """The cluster that TF_CONFIG names; None where it names none, or this process alone.

  Raises:
    ConfigError: it is not of TensorFlow's form.
  """
  said = os.environ.get(VARIABLE, "")
  if not said:
    return None
  try:
    found = json.loads(said)
    jobs = {job: found["cluster"].get(job, []) for job in ("chief", "worker")}
    addresses = [*jobs["chief"], *jobs["worker"]]
    kind, index = found["task"]["type"], int(found["task"]["index"])
    own = addresses.index(jobs[kind][index])
    for address in addresses:
      _place(address)
  except (ValueError, KeyError, IndexError, TypeError, AttributeError) as e:
    rule = f"must be a cluster of chief and worker with host:port each, and this process's task in it ({e})"
    raise ConfigError(fault(VARIABLE, rule, said, f"write it as {_EXAMPLE}")) from None
  return Cluster(addresses, own) if len(addresses) > 1 else None


def meet(workers: Cluster, seconds: float) -> None:
  """Returns once every worker has called it: each says its number to the chief, and the chief says to go on.

  Without it TensorFlow would wait for an absent worker, and say nothing.

  Args:
    seconds: to wait for the others from now on.

  Raises:
    ModelError: in every worker that came, with the addresses of those that did not.
  """
  if workers.own:
    _report(workers, seconds)
  else:
    _gather(workers, seconds)


def _gather(workers: Cluster, seconds: float) -> None:
  """The chief's part: waits for all, and tells all how it ended."""
  end = time.monotonic() + seconds
  there: dict[int, socket.socket] = {}
  host, port = _place(workers.addresses[0])
  with contextlib.ExitStack() as opened:
    try:
      listening = opened.enter_context(socket.create_server(("", port)))
    except OSError as e:
      way_out = "end what listens there, or name another port in every worker's TF_CONFIG"
      raise ModelError(
        fault(f"port {port} of {host}", f"must be free ({e.strerror})", "taken", way_out)
      ) from e
    while len(there) < len(workers.addresses) - 1 and (left := end - time.monotonic()) > 0:
      listening.settimeout(left)
      with contextlib.suppress(OSError, ValueError):
        caller = opened.enter_context(listening.accept()[0])
        caller.settimeout(max(0.1, min(5, end - time.monotonic())))
        there[int(_line(caller))] = caller
    missing = [a for i, a in enumerate(workers.addresses) if i and i not in there]
    for caller in there.values():
      with contextlib.suppress(OSError):
        caller.sendall(f"{json.dumps(missing)}\n".encode())
        _line(
          caller
        )  # its end of the line; who closes first keeps the port a while, and the chief needs its own
  if missing:
    raise _absent(missing, seconds)


def _report(workers: Cluster, seconds: float) -> None:
  """A worker's part: says that it is there, and hears how it ended."""
  end, said = time.monotonic() + seconds, ""
  while not said and time.monotonic() < end:
    try:
      with socket.create_connection(_place(workers.addresses[0]), timeout=5) as chief:
        chief.sendall(f"{workers.own}\n".encode())
        chief.settimeout(seconds + 5)  # the chief may have come later, and waits as long
        said = _line(chief)
    except OSError:
      pass
    if not said:
      time.sleep(0.2)
  if not said:
    raise _absent(workers.addresses[:1], seconds)
  if missing := json.loads(said):
    raise _absent(missing, seconds)


def _absent(addresses: list[str], seconds: float) -> ModelError:
  way_out = "start it there, or mend the address in every worker's TF_CONFIG; training.worker_timeout is how long is waited"
  rule = f"must be there within {seconds:g} s"
  return ModelError(fault(f"worker {', '.join(addresses)}", rule, "no answer", way_out))


def _place(address: str) -> tuple[str, int]:
  host, _, port = address.rpartition(":")
  return host.strip("[]"), int(port)


def _line(connection: socket.socket) -> str:
  with connection.makefile("r", encoding="utf-8") as lines:
    return lines.readline().strip()
