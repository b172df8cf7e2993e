"""Requests a second and their time, through REST and gRPC and in process, for the same requests to the same signature.

python -m benchmarks.serving.speed --model runs/models/shop --out benchmarks/results/serving.json

Each way runs in turn, never two at once; the clients share the machine with the server. Requests are the model's own golden ones,
one row each.
"""

import argparse
import dataclasses
import http.client
import json
import os
import pathlib
import threading

import grpc
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving.load import Seen, load
from benchmarks.serving.process import memory, serving
from tfrec_combo.base.files import write_json
from tfrec_combo.base.stack import tf
from tfrec_combo.serving import model

CLIENTS = (1, 8, 32)


def golden(folder: pathlib.Path, signature: str, query: bool) -> list[dict[str, np.ndarray]]:
  """The model's golden requests, a row each; those with words, or without."""
  with np.load(folder / "assets.extra" / "golden" / f"{signature}.npz", allow_pickle=False) as arrays:
    inputs = {
      k[3:]: v.astype(object) if v.dtype.kind == "S" else v for k, v in arrays.items() if k.startswith("in:")
    }
  rows = range(len(next(iter(inputs.values()))))
  found = [{k: v[i : i + 1] for k, v in inputs.items()} for i in rows]
  return [one for one in found if bool(one["query"][0]) == query]


def in_process(folder: pathlib.Path, signature: str, requests: list, seconds: float) -> list[Seen]:
  """`Model.predict` by as many threads as there would be clients."""
  with model.load(folder) as loaded:
    connect = lambda: lambda i: loaded.predict(signature, requests[i % len(requests)])
    return [load(connect, clients, seconds) for clients in CLIENTS]


def rest(port: int, name: str, signature: str, requests: list, seconds: float) -> list[Seen]:
  """By columns, over one connection a client."""
  text = lambda v: v.decode() if isinstance(v, bytes) else v
  listed = [{k: [_map(text, v) for v in a.tolist()] for k, a in one.items()} for one in requests]
  bodies = [json.dumps({"signature_name": signature, "inputs": one}).encode() for one in listed]

  def connect():
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(i: int) -> None:
      connection.request("POST", f"/v1/models/{name}:predict", bodies[i % len(bodies)])
      response = connection.getresponse()
      said = response.read()
      if response.status != 200:
        raise RuntimeError(said[:300])

    return ask

  return [load(connect, clients, seconds) for clients in CLIENTS]


def _map(function, value):
  return [_map(function, v) for v in value] if isinstance(value, list) else function(value)


def rpc(port: int, name: str, signature: str, requests: list, seconds: float) -> list[Seen]:
  """One channel a client, so one connection."""
  asked = []
  for one in requests:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, value in one.items():
      request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    asked.append(request)
  numbers, lock = iter(range(1 << 20)), threading.Lock()

  def connect():
    with lock:
      own = [
        ("own", next(numbers)),
        ("grpc.max_receive_message_length", -1),
      ]  # else channels share a connection
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}", own))
    return lambda i: stub.Predict(asked[i % len(asked)])

  return [load(connect, clients, seconds) for clients in CLIENTS]


def measure(folder: pathlib.Path, signature: str, query: bool, seconds: float, options: list[str]) -> dict:
  """Every way, by name."""
  requests, base = golden(folder, signature, query), folder.parent
  found = {"in process": in_process(folder, signature, requests, seconds)}
  with serving(base, base.name, *options) as (rest_port, grpc_port, pid):
    found["REST"] = rest(rest_port, base.name, signature, requests, seconds)
    found["gRPC"] = rpc(grpc_port, base.name, signature, requests, seconds)
    rss = memory(pid)
  with serving(base, base.name, "--enable-batching", *options) as (rest_port, grpc_port, _):
    found["REST, batched"] = rest(rest_port, base.name, signature, requests, seconds)
    found["gRPC, batched"] = rpc(grpc_port, base.name, signature, requests, seconds)
  ways = {way: [dataclasses.asdict(one) for one in seen] for way, seen in found.items()}
  return {"signature": signature, "query": query, "server_rss_mib": rss, "ways": ways}


def table(result: dict) -> str:
  """Markdown: each way and number of clients, and ratios to in process."""
  words = "with a query" if result["query"] else "without a query"
  lines = [
    f"`{result['signature']}`, {words}",
    "",
    "| way | clients | answers/s | p50 ms | p99 ms | p50 / in process | answers/s / in process |",
    "|---|---|---|---|---|---|---|",
  ]
  for way, rows in result["ways"].items():
    for row, alone in zip(rows, result["ways"]["in process"]):
      ratios = f"{row['p50_ms'] / alone['p50_ms']:.2f} | {row['per_second'] / alone['per_second']:.2f}"
      numbers = f"{row['per_second']:.0f} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f}"
      lines.append(f"| {way} | {row['clients']} | {numbers} | {ratios} |")
  return "\n".join(lines)


def main() -> None:
  """Measures, prints the tables, writes the numbers."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--model", type=pathlib.Path, required=True)
  parser.add_argument("--signature", default="recommend")
  parser.add_argument("--seconds", type=float, default=8.0)
  parser.add_argument("--out", type=pathlib.Path)
  parser.add_argument("options", nargs="*", help="of tfrec-combo serve, behind --")
  args = parser.parse_args()
  folder = model.newest_version(args.model).resolve()
  before = os.getloadavg()[0]
  results = [measure(folder, args.signature, query, args.seconds, args.options) for query in (False, True)]
  for result in results:
    print(table(result), end="\n\n")
  machine = {"cores": os.cpu_count(), "load_before": before}
  print(machine)
  if args.out:
    write_json(
      args.out, {"machine": machine, "seconds": args.seconds, "options": args.options, "results": results}
    )


if __name__ == "__main__":
  main()
