"""`tfrec-combo serve` as a process of its own, as it runs in earnest."""

import contextlib
import http.client
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator


@contextlib.contextmanager
def serving(base: pathlib.Path, name: str, *options: str) -> Iterator[tuple[int, int, int]]:
  """Yields the REST port, the gRPC port and the process id of a server of one model; SIGTERM at the end."""
  rest, rpc = _free(), _free()
  where = [
    "--model-base-path",
    str(base),
    "--model-name",
    name,
    "--rest-api-port",
    str(rest),
    "--port",
    str(rpc),
  ]
  with tempfile.TemporaryFile("w+") as errors:
    command = [sys.executable, "-m", "tfrec_combo.cli", "serve", *where, *options]
    process = subprocess.Popen(command, stderr=errors)
    try:
      while not _ready(rest):
        if process.poll() is not None:
          errors.seek(0)
          raise RuntimeError(f"the server ended: {errors.read()[-1000:]}")
        time.sleep(0.1)
      yield rest, rpc, process.pid
    finally:
      process.terminate()
      process.wait(60)


def memory(pid: int) -> float:
  """MiB of memory that a process holds."""
  status = pathlib.Path(f"/proc/{pid}/status").read_text()
  return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def _free() -> int:
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    return s.getsockname()[1]


def _ready(port: int) -> bool:
  connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
  try:
    connection.request("GET", "/readyz")
    return connection.getresponse().status == 200
  except OSError:
    return False
  finally:
    connection.close()
