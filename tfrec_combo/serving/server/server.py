"""A server from start to end: models loaded, both APIs open, the folders watched, work in hand finished at the stop."""

import concurrent.futures
import gc
import logging
import pathlib
import signal
import socket
import threading
from collections.abc import Mapping

import grpc
import uvicorn
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from tfrec_combo.base.errors import ComboError, ConfigError, ModelError, fault
from tfrec_combo.serving.server import config_file
from tfrec_combo.serving.server.config_file import Served
from tfrec_combo.serving.server.engine import Engine
from tfrec_combo.serving.server.options import Options
from tfrec_combo.serving.server.rest import Rest
from tfrec_combo.serving.server.rpc import ModelService, PredictionService
from tfrec_combo.serving.server.status import Refused

KEEP_ALIVE = 75  # seconds an idle connection stays open: longer than usual proxies', or they meet closed ones

log = logging.getLogger(__name__)


class Server:
  """TF Serving's APIs over `served`, or over what `config` (a model config file) names. It is a context manager.

  `rest_port` and `grpc_port` are the ports in use once it is started, None where that API is left out.

  Raises:
    ConfigError: the config file or the TLS files are wrong, or a port is taken.
    ModelError: a model has no version that can be served.
  """

  def __init__(
    self, options: Options, served: Mapping[str, Served] | None = None, config: pathlib.Path | None = None
  ):
    self.options, self.engine = options, Engine(options)
    self.rest_port: int | None = None
    self.grpc_port: int | None = None
    self._served, self._config = served, config
    self._threads = concurrent.futures.ThreadPoolExecutor(options.threads, "rest")
    self._stopping = threading.Event()
    self._watch = threading.Thread(target=self._watching, name="watch", daemon=True)
    self._grpc: grpc.Server | None = None
    self._rest: uvicorn.Server | None = None
    self._rest_thread: threading.Thread | None = None

  def start(self) -> "Server":
    """Loads the models, opens the ports, and watches the folders from now on."""
    served = config_file.read(self._config) if self._config else dict(self._served or {})
    try:
      try:
        self.engine.models.apply(served, self.options.labels_ahead)
      except Refused as e:
        raise ModelError(e.message) from None
      if self.options.grpc_port is not None:
        self._start_grpc(self.options.grpc_port)
      if self.options.rest_port is not None:
        self._start_rest(self.options.rest_port)
    except BaseException:
      self.stop()
      raise
    self._watch.start()
    return self

  def run(self) -> None:
    """Starts, serves until SIGTERM or SIGINT, and stops."""
    for number in (signal.SIGTERM, signal.SIGINT):
      signal.signal(number, lambda *_: self._stopping.set())
    gc.freeze()  # what the imports made stays anyway; looking through it at each swap would hold requests up
    with self:
      names = ", ".join(self.engine.models.names())
      log.info(
        "serving %s at %s, REST port %s, gRPC port %s",
        names,
        self.options.host,
        self.rest_port,
        self.grpc_port,
      )
      self._stopping.wait()
      log.info("stopping: requests in work are finished first")

  def stop(self) -> None:
    """Takes no new requests, finishes those in work within `options.grace` seconds, frees the models."""
    self._stopping.set()
    stopped = self._grpc.stop(self.options.grace) if self._grpc else None
    if self._rest:
      self._rest.should_exit = True
    if self._rest_thread:
      self._rest_thread.join(self.options.grace + 5)
    if stopped:
      stopped.wait(self.options.grace + 5)
    if self._watch.is_alive():
      self._watch.join()
    self._threads.shutdown(wait=False, cancel_futures=True)
    self.engine.models.close()

  def __enter__(self) -> "Server":
    return self.start()

  def __exit__(self, *_: object) -> None:
    self.stop()

  def _watching(self) -> None:
    since = 0.0
    while not self._stopping.wait(self.options.poll):
      since += self.options.poll
      if self.engine.models.freed.is_set():
        self.engine.models.freed.clear()
        # A graph is a ring of objects, large and seldom: Python alone may put it off for thousands of swaps.
        gc.collect()
      try:
        if self._config and 0 < self.options.config_poll <= since:
          since = 0.0
          self.engine.models.apply(config_file.read(self._config), self.options.labels_ahead)
        else:
          self.engine.models.poll()
      except ComboError as e:  # a config file in the middle of an edit; what is served stays
        log.error("%s", e)
      except Refused as e:
        log.error("%s", e.message)
      except Exception:  # whatever it is, the next look may find better
        log.exception("looking at the model folders failed")

  def _start_grpc(self, port: int) -> None:
    options = [
      ("grpc.max_receive_message_length", self.options.body_bytes),
      ("grpc.max_send_message_length", -1),
      ("grpc.so_reuseport", 0),  # or a second server would take half of the requests, unnoticed
    ]
    pool = concurrent.futures.ThreadPoolExecutor(self.options.threads, "grpc")
    self._grpc = grpc.server(pool, options=options, maximum_concurrent_rpcs=self.options.inflight)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
      PredictionService(self.engine), self._grpc
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(self.engine), self._grpc)
    address = f"{f'[{self.options.host}]' if ':' in self.options.host else self.options.host}:{port}"
    try:
      if self.options.certificate and self.options.key:
        pair = (self.options.key.read_bytes(), self.options.certificate.read_bytes())
        ca = self.options.client_ca.read_bytes() if self.options.client_ca else None
        credentials = grpc.ssl_server_credentials([pair], ca, ca is not None)
        self.grpc_port = self._grpc.add_secure_port(address, credentials)
      else:
        self.grpc_port = self._grpc.add_insecure_port(address)
    except (RuntimeError, OSError, ValueError) as e:
      raise _not_open("--port", port, e) from e
    self._grpc.start()

  def _start_rest(self, port: int) -> None:
    family = socket.AF_INET6 if ":" in self.options.host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
      listening.bind((self.options.host, port))
      config = uvicorn.Config(
        Rest(self.engine, self._threads, lambda: self.grpc_port),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(self.options.grace),
        ssl_certfile=self.options.certificate,
        ssl_keyfile=self.options.key,
        ssl_ca_certs=str(self.options.client_ca) if self.options.client_ca else None,
        ssl_cert_reqs=2 if self.options.client_ca else 0,
      )
      config.load()
    except OSError as e:
      listening.close()
      raise _not_open("--rest-api-port", port, e) from e
    self.rest_port = listening.getsockname()[1]
    self._rest = uvicorn.Server(config)
    self._rest_thread = threading.Thread(target=self._rest.run, args=([listening],), name="rest", daemon=True)
    self._rest_thread.start()
    while not self._rest.started and self._rest_thread.is_alive():
      self._stopping.wait(0.01)


def _not_open(argument: str, port: int, error: Exception) -> ConfigError:
  reason = " ".join(str(error).split())[:200]
  return ConfigError(
    fault(argument, f"must be open to listen on ({reason})", port, "name another, or stop what uses it")
  )
