"""Requests a second and their time, through REST and gRPC and in process, for the same requests to the same signature.

python -m benchmarks.serving.speed --model saved_models/shop [--config shop.yaml] [--out benchmarks/results]

The ways take turns, so that whatever else the machine does falls on all; clients and servers share the machine. Requests are the
model's own golden ones, one row each. With the config of its training, `plain` is measured, too.
"""

import argparse
import contextlib
import dataclasses
import http.client
import itertools
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence

import grpc
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving import pages, plain
from benchmarks.serving.load import Seen, load
from benchmarks.serving.process import memory, serving
from benchmarks.speed.rows import REPEATS, Row, compared
from tfrec_combo.base.stack import tf
from tfrec_combo.evaluation.tables import Table
from tfrec_combo.serving import model

CLIENTS = (1, 8, 32)
WANTED = 1.5  # times the time in process, of one client
ALONE = "in process"

Request = dict[str, np.ndarray]
Connect = Callable[[], Callable[[int], object]]
Found = dict[str, dict[int, list[Seen]]]  # of each way, by clients, a turn each


def golden(folder: pathlib.Path, signature: str, query: bool) -> list[Request]:
  """The model's golden requests, a row each; those with words, or without."""
  with np.load(folder / "assets.extra" / "golden" / f"{signature}.npz", allow_pickle=False) as arrays:
    inputs = {
      k[3:]: v.astype(object) if v.dtype.kind == "S" else v for k, v in arrays.items() if k.startswith("in:")
    }
  rows = range(len(next(iter(inputs.values()))))
  found = [{k: v[i : i + 1] for k, v in inputs.items()} for i in rows]
  return [one for one in found if bool(one["query"][0]) == query]


def rest(port: int, name: str, signature: str, requests: list[Request]) -> Connect:
  """By columns, over one connection a client."""
  text = lambda v: v.decode() if isinstance(v, bytes) else v
  listed = [{k: [_map(text, v) for v in a.tolist()] for k, a in one.items()} for one in requests]
  bodies = [json.dumps({"signature_name": signature, "inputs": one}).encode() for one in listed]

  def connect() -> Callable[[int], object]:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(i: int) -> None:
      connection.request("POST", f"/v1/models/{name}:predict", bodies[i % len(bodies)])
      response = connection.getresponse()
      said = response.read()
      if response.status != 200:
        raise RuntimeError(said[:300])

    return ask

  return connect


def _map(function, value):
  return [_map(function, v) for v in value] if isinstance(value, list) else function(value)


def rpc(port: int, name: str, signature: str, requests: list[Request]) -> Connect:
  """One channel a client, so one connection."""
  asked = []
  for one in requests:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, value in one.items():
      request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    asked.append(request)
  numbers = itertools.count()

  def connect() -> Callable[[int], object]:
    # Channels of the same options share a connection.
    own = [("own", next(numbers)), ("grpc.max_receive_message_length", -1)]
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}", own))
    return lambda i: stub.Predict(asked[i % len(asked)])

  return connect


def measure(
  folder: pathlib.Path, signature: str, clients: Sequence[int], seconds: float, options: list[str]
) -> tuple[list[Found], float]:
  """Every way by name, for requests without words and with them, and the MiB that a server holds after them.

  seconds: of a turn.
  """
  base, every = folder.parent, []
  with contextlib.ExitStack() as stack:
    loaded = stack.enter_context(model.load(folder))
    alone = stack.enter_context(serving(base, base.name, *options))
    batching = stack.enter_context(serving(base, base.name, "--enable-batching", *options))
    for query in (False, True):
      requests = golden(folder, signature, query)
      asked = (base.name, signature, requests)
      ways: Mapping[str, Connect] = {
        ALONE: lambda given=requests: lambda i: loaded.predict(signature, given[i % len(given)]),
        "REST": rest(alone[0], *asked),
        "gRPC": rpc(alone[1], *asked),
        "REST, batched": rest(batching[0], *asked),
        "gRPC, batched": rpc(batching[1], *asked),
      }
      found: Found = {way: {count: [] for count in clients} for way in ways}
      for count in clients:
        for turn in range(REPEATS):
          for way, connect in ways.items():
            found[way][count].append(load(connect, count, seconds, 1 if turn else 5))
        print(f"{count} clients, {'with' if query else 'no'} words: done", flush=True)
      every.append(found)
    return every, memory(alone[2])


def rows(found: Found, words: str) -> list[Row]:
  """What is told of the ways, beside the same requests in process: the time of one client, and the answers to many."""
  told = []
  for way in ("REST", "gRPC"):
    name, ours, alone = f"{way}, 1 client, {words}", found[way][1], found[ALONE][1]
    p50 = ([one.p50_ms for one in seen] for seen in (ours, alone))
    told.append(compared(name, ALONE, *p50, unit="ms", wanted=WANTED, at_most=True))
  for way, clients in itertools.product(("REST", "gRPC"), list(found[ALONE])[1:]):
    name, ours, alone = f"{way}, {clients} clients, {words}", found[way][clients], found[ALONE][clients]
    rate = ([one.per_second for one in seen] for seen in (ours, alone))
    told.append(compared(name, ALONE, *rate, unit="answers/s"))
  return told


def table(found: Found, title: str) -> Table:
  """Each way and number of clients, and ratios to in process."""
  middle = lambda seen, name: float(np.median([getattr(one, name) for one in seen]))
  head = ["way", "clients", "answers/s", "p50 ms", "p99 ms", "p50 / in process", "answers/s / in process"]
  lines = []
  for way, by_clients in found.items():
    for clients, seen in by_clients.items():
      rate, p50, p99 = (middle(seen, name) for name in ("per_second", "p50_ms", "p99_ms"))
      of_p50, of_rate = (
        p50 / middle(found[ALONE][clients], "p50_ms"),
        rate / middle(found[ALONE][clients], "per_second"),
      )
      lines.append(
        [way, str(clients), f"{rate:.0f}", f"{p50:.2f}", f"{p99:.2f}", f"{of_p50:.2f}", f"{of_rate:.2f}"]
      )
  return Table(title, "", head, lines)


def main() -> None:
  """Measures, prints the tables, writes the numbers."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--model", type=pathlib.Path, required=True)
  parser.add_argument("--signature", default="recommend")
  parser.add_argument(
    "--seconds", type=float, default=3.0, help=f"of a turn; each way has {REPEATS} at each number of clients"
  )
  parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="at once; 1 is the first")
  parser.add_argument(
    "--config", help="of the model's training: then it stands beside a plain TFRS export, too"
  )
  parser.add_argument("--set", action="append", default=[])
  parser.add_argument("--orders", type=int, default=1000, help="held-out orders that `plain` ranks")
  parser.add_argument(
    "--out", type=pathlib.Path, default=pages.RESULTS, help="folder of serving.json, .md and .svg"
  )
  parser.add_argument("options", nargs="*", help="of tfrec-combo serve, behind --")
  args = parser.parse_args()
  folder = model.newest_version(args.model).resolve()
  told, tables, measured = [], [], []
  both, rss = measure(folder, args.signature, args.clients, args.seconds, args.options)
  for found, words in zip(both, ("no words", "with words")):
    told += rows(found, words)
    tables.append(table(found, f"`{args.signature}`, {words}"))
    measured.append(
      {w: {n: [dataclasses.asdict(s) for s in seen] for n, seen in by.items()} for w, by in found.items()}
    )
  without, with_words = ([one.p50_ms for one in found[ALONE][1]] for found in both)
  told.append(
    compared("a request with words, in process", "one without", with_words, without, unit="ms", at_most=True)
  )
  about = {
    "model": folder.parent.name,
    "signature": args.signature,
    "options": args.options,
    "server_rss_mib": rss,
  }
  pages.merge(args.out, "speed", told, tables, about | dict(zip(("no words", "with words"), measured)))
  if args.config:
    plain.measure(folder, args.config, args.set, args.orders, args.out)


if __name__ == "__main__":
  main()
