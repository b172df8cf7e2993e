"""Versions published one after another while clients ask: no failed request, no wrong answer, no growing memory.

python -m benchmarks.serving.swaps --swaps 1000 [--out benchmarks/results]

The tiny model of the tests multiplies by a factor, which each version changes; an answer is right when it is that of a version
that was on disk since the request began.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
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

FLAT = 1.1  # times the memory of a tenth of the swaps, by the end
FACTORS = (2, 3, 5, 7)
DAMAGED = 10  # one in so many versions is cut short before a whole one follows


class Publisher:
  """Puts versions into a folder as the exporter does, and takes the old ones out."""

  def __init__(self, base: pathlib.Path):
    self.base, self.saved, self.version = base, base.parent / "saved", 0
    for factor in FACTORS:
      odd_model.save(self.saved, factor, float(factor))
    self.factor = 0

  def publish(self, damaged: bool = False) -> None:
    """The next version, of another factor; damaged: with half a graph."""
    self.version += 1
    factor = random.choice([f for f in FACTORS if f != self.factor])
    aside = self.base / ".aside"
    shutil.copytree(self.saved / str(factor), aside)
    if damaged:
      graph = aside / "saved_model.pb"
      graph.write_bytes(graph.read_bytes()[:2000])
    else:
      self.factor = factor
    aside.rename(self.base / str(self.version))

  def retire(self) -> None:
    """Removes all but the newest two whole versions' folders."""
    for path in sorted((p for p in self.base.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))[:-3]:
      shutil.rmtree(path)


class Asker(threading.Thread):
  """Asks without a pause and counts what is wrong."""

  def __init__(self, ask, stop: threading.Event):
    super().__init__(daemon=True)
    self._ask, self._stop_asking, self.answers, self.faults = ask, stop, 0, []

  def run(self) -> None:
    while not self._stop_asking.is_set():
      try:
        value = self._ask()
        if value not in FACTORS:
          self.faults.append(f"answered {value}")
      except Exception as e:
        self.faults.append(f"{type(e).__name__}: {e}"[:300])
      self.answers += 1


def over_rest(port: int):
  """1 times the factor, by REST."""
  connection = http.client.HTTPConnection("127.0.0.1", port)

  def ask() -> float:
    connection.request("POST", "/v1/models/odd:predict", b'{"instances": [1]}')
    response = connection.getresponse()
    said = json.loads(response.read())
    if response.status != 200:
      raise RuntimeError(said)
    return said["predictions"][0]

  return ask


def over_grpc(port: int):
  """1 times the factor, by gRPC."""
  stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
  request = predict_pb2.PredictRequest()
  request.model_spec.name = "odd"
  request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
  return lambda: stub.Predict(request, timeout=30).outputs["y"].float_val[0]


def served(port: int) -> int | None:
  """The newest version that is available."""
  connection = http.client.HTTPConnection("127.0.0.1", port)
  connection.request("GET", "/v1/models/odd")
  states = json.loads(connection.getresponse().read())["model_version_status"]
  connection.close()
  return next((int(s["version"]) for s in states if s["state"] == "AVAILABLE"), None)


def main() -> None:
  """Swaps, prints what was seen and writes section `swaps`."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--swaps", type=int, default=1000)
  parser.add_argument("--clients", type=int, default=2, help="of each API")
  parser.add_argument("--out", type=pathlib.Path, default=pages.RESULTS)
  args = parser.parse_args()
  busy = round(os.getloadavg()[0], 2)
  with tempfile.TemporaryDirectory() as folder:
    base = pathlib.Path(folder) / "odd"
    base.mkdir()
    publisher = Publisher(base)
    publisher.publish()
    with serving(base, "odd", "--file-system-poll-wait-seconds", "0.02") as (rest, rpc, pid):
      stop = threading.Event()
      makers = [lambda: over_rest(rest), lambda: over_grpc(rpc)] * args.clients
      askers = [Asker(make(), stop) for make in makers]
      for asker in askers:
        asker.start()
      sizes, wrong, started = [memory(pid)], 0, time.monotonic()
      for swap in range(1, args.swaps + 1):
        if swap % DAMAGED == 0:
          publisher.publish(damaged=True)
          time.sleep(0.1)
        publisher.publish()
        while served(rest) != publisher.version:
          time.sleep(0.005)
        wrong += over_rest(rest)() != publisher.factor
        publisher.retire()
        if swap % max(1, args.swaps // 10) == 0:
          sizes.append(memory(pid))
          print(f"{swap} swaps, {sizes[-1]:.0f} MiB, {sum(a.answers for a in askers)} answers", flush=True)
      stop.set()
      for asker in askers:
        asker.join()
  took = time.monotonic() - started
  faults = [fault for asker in askers for fault in asker.faults]
  measured = {
    "swaps": args.swaps,
    "damaged_versions": args.swaps // DAMAGED,
    "answers": sum(a.answers for a in askers),
    "faults": len(faults) + wrong,
    "first_faults": faults[:3],
    "rss_mib": [round(size) for size in sizes],
    "seconds": round(took),
  }
  name = f"{args.swaps:,} versions under load, {measured['damaged_versions']} damaged ones between them"
  each = 1e3 * took / args.swaps
  note = (
    f"{measured['answers']:,} answers, {measured['faults']} of them failed or wrong; {each:.0f} ms a version"
  )
  flat = Row(
    name, "its memory after a tenth of them", sizes[-1], sizes[1], "MiB", sizes[-1] / sizes[1], FLAT, True,
    repeats=1, note=note, load=busy,
  )  # fmt: skip
  lines = [[key.replace("_", " "), f"{value:,}"] for key, value in measured.items() if isinstance(value, int)]
  pages.merge(
    args.out, "swaps", [flat], [Table("Versions under load", "", ["what", "count"], lines)], measured
  )


if __name__ == "__main__":
  main()
