"""`tfrec-combo serve`: TF Serving's REST and gRPC APIs over exported models."""

import pathlib
from typing import Annotated

import typer

File = pathlib.Path | None


def serve(
  model_base_path: Annotated[
    File, typer.Option(metavar="FOLDER", help="A model's folder, which holds its versions.")
  ] = None,
  model_name: Annotated[str | None, typer.Option(help="Its name in URLs; none: the folder's.")] = None,
  model_config_file: Annotated[
    File, typer.Option(metavar="FILE", help="Several models, versions and labels, as TF Serving reads them.")
  ] = None,
  model_config_file_poll_wait_seconds: Annotated[
    float, typer.Option(help="Seconds between looks at that file; 0: it is read once.")
  ] = 0,
  host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
  port: Annotated[int, typer.Option(help="For gRPC; 0: not served.")] = 8500,
  rest_api_port: Annotated[int, typer.Option(help="For REST; 0: not served.")] = 8501,
  rest_api_timeout_in_ms: Annotated[int, typer.Option(help="The most a request may take.")] = 30_000,
  enable_batching: Annotated[
    bool, typer.Option("--enable-batching", help="Run requests that wait at the same time as one.")
  ] = False,
  max_batch_size: Annotated[int, typer.Option(help="Rows of a batch.")] = 64,
  batch_timeout_micros: Annotated[int, typer.Option(help="To hold a batch back for more requests.")] = 0,
  num_batch_threads: Annotated[int, typer.Option(help="Batches that run at once.")] = 2,
  max_enqueued: Annotated[int, typer.Option(help="Requests that may wait for their batch.")] = 1024,
  max_inflight: Annotated[int, typer.Option(help="Requests in work in each API; more get 429.")] = 256,
  max_body_bytes: Annotated[int, typer.Option(help="Of one request.")] = 16 << 20,
  max_rows: Annotated[int, typer.Option(help="Of one request.")] = 1024,
  threads: Annotated[int, typer.Option(help="Requests that run at once in each API.")] = 16,
  polling_threads: Annotated[
    bool,
    typer.Option(
      "--polling-threads",
      help="TensorFlow's threads look for work all the time: late answers come sooner, and an idle server takes some of a core.",
    ),
  ] = False,
  token_file: Annotated[
    File, typer.Option(metavar="FILE", help="Holds what clients must send as their bearer token.")
  ] = None,
  ssl_certificate: Annotated[File, typer.Option(metavar="FILE", help="PEM, for TLS.")] = None,
  ssl_key: Annotated[File, typer.Option(metavar="FILE", help="PEM, its key.")] = None,
  ssl_client_ca: Annotated[
    File, typer.Option(metavar="FILE", help="PEM; clients then need a certificate of it.")
  ] = None,
  rest_api_enable_cors_support: Annotated[
    bool, typer.Option("--rest-api-enable-cors-support", help="Let pages of other sites ask.")
  ] = False,
  ui: Annotated[
    bool, typer.Option("--ui", help="Serve the shop window at /: a page to try the models in a browser.")
  ] = False,
  access_log: Annotated[bool, typer.Option("--access-log", help="A line of JSON for each request.")] = False,
  file_system_poll_wait_seconds: Annotated[
    float, typer.Option(help="Seconds between looks at the folders.")
  ] = 1.0,
  grace: Annotated[float, typer.Option(help="Seconds that requests in work get at the stop.")] = 10.0,
) -> None:
  """Serve exported models with TF Serving's APIs, new versions as they are published. SIGTERM finishes what is in work.

  Example: tfrec-combo serve --model-base-path saved_models/shop

  Example: tfrec-combo serve --model-base-path saved_models/shop --ui

  Example: tfrec-combo serve --model-config-file models.config --host 0.0.0.0 --token-file token.txt --access-log
  """
  from tfrec_combo.base import pins

  pins.require_extra("serve", "tfrec-combo serve")
  from tfrec_combo.serving.server import setup
  from tfrec_combo.serving.server.batching import Batching
  from tfrec_combo.serving.server.options import Options
  from tfrec_combo.serving.server.server import Server

  setup.check_tls(ssl_certificate, ssl_key, ssl_client_ca)
  batching = Batching(max_batch_size, batch_timeout_micros / 1e6, max_enqueued, num_batch_threads)
  options = Options(
    host=host,
    grpc_port=port or None,
    rest_port=rest_api_port or None,
    timeout=rest_api_timeout_in_ms / 1000,
    body_bytes=max_body_bytes,
    batch_rows=max_rows,
    inflight=max_inflight,
    threads=threads,
    polling=polling_threads,
    batching=batching if enable_batching else None,
    grace=grace,
    token=setup.token(token_file),
    certificate=ssl_certificate,
    key=ssl_key,
    client_ca=ssl_client_ca,
    cors=rest_api_enable_cors_support,
    ui=ui,
    access_log=access_log,
    poll=file_system_poll_wait_seconds,
    config_poll=model_config_file_poll_wait_seconds,
  )
  served = setup.one_model(model_base_path, model_name, model_config_file)
  Server(options, served, model_config_file).run()
