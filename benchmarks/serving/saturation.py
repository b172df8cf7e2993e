"""More clients than a server takes, for minutes: each is answered or told to come back, and memory stays where it was.

python -m benchmarks.serving.saturation --minutes 10 [--out benchmarks/results]
"""

import argparse
import collections
import http.client
import json
import os
import pathlib
import tempfile
import threading
import time

import grpc
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving import pages
from benchmarks.serving.process import memory, serving
from benchmarks.speed.rows import Row
from tests.serving.server import odd_model
from tfrec_combo.base.stack import tf
from tfrec_combo.evaluation.tables import Table

FLAT = 1.1  # times the memory of a tenth of the time, by the end
NOTE = """`wrong answer` must not be there; 429 and RESOURCE_EXHAUSTED tell a client to come back."""
INFLIGHT = 8  # requests in work; there are more clients of each API than that
CLIENTS = 24  # of each API
RIGHT = (200, 429, "OK", "RESOURCE_EXHAUSTED")
BODY = json.dumps({"signature_name": "slow", "inputs": [300]}).encode()  # a millisecond or two


def over_rest(port: int, seen: collections.Counter, until: float) -> None:
  """Asks by REST and counts the statuses."""
  connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
  while time.monotonic() < until:
    connection.request("POST", "/v1/models/odd:predict", BODY)
    response = connection.getresponse()
    right = response.read() == b'{\n"outputs": [300]\n}' or response.status != 200
    seen["REST", response.status if right else "wrong answer"] += 1


def over_grpc(port: int, seen: collections.Counter, until: float) -> None:
  """Asks by gRPC and counts the codes."""
  stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
  request = predict_pb2.PredictRequest()
  request.model_spec.name, request.model_spec.signature_name = "odd", "slow"
  request.inputs["n"].CopyFrom(tf.make_tensor_proto([300], tf.int32))
  while time.monotonic() < until:
    try:
      right = list(stub.Predict(request, timeout=60).outputs["done"].int_val) == [300]
      seen["gRPC", "OK" if right else "wrong answer"] += 1
    except grpc.RpcError as e:
      seen["gRPC", e.code().name] += 1


def main() -> None:
  """Loads, prints what was seen and writes section `saturation`."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--minutes", type=float, default=10.0)
  parser.add_argument("--out", type=pathlib.Path, default=pages.RESULTS)
  args = parser.parse_args()
  busy = round(os.getloadavg()[0], 2)
  with tempfile.TemporaryDirectory() as folder:
    base = odd_model.save(pathlib.Path(folder) / "odd")
    with serving(base, "odd", "--max-inflight", str(INFLIGHT), "--enable-batching") as (rest, rpc, pid):
      seen, until = collections.Counter(), time.monotonic() + 60 * args.minutes
      each = [(over_rest, rest), (over_grpc, rpc)] * CLIENTS
      threads = [threading.Thread(target=ask, args=(port, seen, until), daemon=True) for ask, port in each]
      for thread in threads:
        thread.start()
      sizes = []
      while time.monotonic() < until:
        time.sleep(6 * args.minutes)
        sizes.append(round(memory(pid)))
        print(f"{sizes[-1]} MiB, {sum(seen.values())} answers", flush=True)
      for thread in threads:
        thread.join()
  found = sorted(seen.items(), key=str)
  wrong = sum(count for (_, status), count in found if status not in RIGHT)
  name = f"{args.minutes:g} minutes of {2 * CLIENTS} clients where {INFLIGHT} requests may be in work"
  note = f"{sum(seen.values()):,} answers, {wrong} of them wrong or with another status than those of a full server"
  flat = Row(
    name, "its memory after a tenth of them", sizes[-1], sizes[0], "MiB", sizes[-1] / sizes[0], FLAT, True,
    repeats=1, note=note, load=busy,
  )  # fmt: skip
  lines = [[api, str(status), f"{count:,}"] for (api, status), count in found]
  table = Table("At saturation", NOTE, ["API", "status", "answers"], lines, numbers=2)
  said = {f"{api} {status}": count for (api, status), count in found}
  measured = {"minutes": args.minutes, "seen": said, "wrong": wrong, "rss_mib": sizes}
  pages.merge(args.out, "saturation", [flat], [table], measured)


if __name__ == "__main__":
  main()
