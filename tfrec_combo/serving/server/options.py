"""How a server is set up: every limit and switch, each default written once."""

import dataclasses
import pathlib

from tfrec_combo.serving.server.batching import Batching


@dataclasses.dataclass(frozen=True)
class Options:
  """Of a server, whatever it serves.

  host: address to listen on. grpc_port, rest_port: 0 takes a free one, None leaves that API out. timeout: seconds a REST
  request may take, and a gRPC request that names no deadline. body_bytes: of a request, unpacked. batch_rows: of a request.
  inflight: requests that may be answered or wait at once in each API; more are told to come back (429, RESOURCE_EXHAUSTED).
  threads: requests that run at once. polling: see `Model.run`. batching: None runs each request for itself. grace: seconds
  that requests in work get at shutdown. token: what clients must send as `Authorization: Bearer`. certificate, key: PEM files,
  for TLS; client_ca: PEM file, then clients need a certificate of it. poll: seconds between looks at the model folders.
  config_poll: seconds between looks at the model config file, 0 for none.
  """

  host: str = "127.0.0.1"
  grpc_port: int | None = 8500
  rest_port: int | None = 8501
  timeout: float = 30.0
  body_bytes: int = 16 << 20
  batch_rows: int = 1024
  inflight: int = 256
  threads: int = 16
  polling: bool = False
  batching: Batching | None = None
  grace: float = 10.0
  token: str | None = dataclasses.field(default=None, repr=False)
  certificate: pathlib.Path | None = None
  key: pathlib.Path | None = None
  client_ca: pathlib.Path | None = None
  cors: bool = False
  ui: bool = False  # the shop window at /
  content: bool = False  # gRPC answers in `tensor_content`
  metrics_path: str | None = "/monitoring/prometheus/metrics"
  access_log: bool = False
  poll: float = 1.0
  config_poll: float = 0.0
  labels_ahead: bool = False  # a new label may name a version that is not available yet
  load_retries: int = 5
  load_retry_seconds: float = 60.0
