"""Requests that wait together run together, and nobody can tell from the answers."""

import concurrent.futures
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving.server import running
from tfrec_combo.serving.server.batching import Batcher, Batching
from tfrec_combo.serving.server.engine import batchable
from tfrec_combo.serving.server.status import Refused, invalid
from tfrec_combo.serving.signature import Signature, Spec


class Doubling:
  """Doubles; holds each run until it is let go, and writes down how many rows each had. A negative value is refused."""

  def __init__(self):
    self.rows, self.go, self.started = [], threading.Semaphore(0), threading.Semaphore(0)

  def __call__(self, arrays, deadline):
    self.rows.append(len(arrays[0]))
    self.started.release()
    self.go.acquire()
    if (arrays[0] < 0).any():
      raise invalid("negative")
    return {"y": 2 * arrays[0]}


def ask_while_one_runs(requests, settings):
  """Answers to `requests` that come, in their order, while another request runs."""
  run = Doubling()
  batcher = Batcher(run, settings)
  with concurrent.futures.ThreadPoolExecutor(len(requests) + 1) as threads:
    first = threads.submit(batcher, [np.zeros([1])])
    run.started.acquire()
    found = []
    for i, one in enumerate(requests):
      found.append(threads.submit(batcher, [np.array(one, float)]))
      while len(batcher._queue) < i + 1:
        time.sleep(0.001)
    for _ in range(2 * len(requests) + 1):
      run.go.release()
    first.result()
    return [one.exception() or one.result()["y"].tolist() for one in found], run.rows[1:]


def test_those_that_wait_run_together():
  answers, rows = ask_while_one_runs([[1], [2, 3], [4]], Batching(parallel=1))
  assert answers == [[2], [4, 6], [8]]
  assert rows == [4]


def test_a_batch_is_never_larger_than_it_may_be_and_order_is_kept():
  answers, rows = ask_while_one_runs([[1, 2], [3, 4], [5], [6, 7, 8, 9]], Batching(max_rows=4, parallel=1))
  assert answers == [[2, 4], [6, 8], [10], [12, 14, 16, 18]]
  assert rows == [4, 1, 4]


def test_other_shapes_run_apart():
  answers, rows = ask_while_one_runs([[[1, 2]], [[3]], [[4, 5]]], Batching(parallel=1))
  assert answers == [[[2, 4]], [[6]], [[8, 10]]]
  assert rows == [2, 1]


def test_one_that_is_refused_spoils_no_other():
  answers, rows = ask_while_one_runs([[1], [-1], [2]], Batching(parallel=1))
  assert [answers[0], answers[2]] == [[2], [4]]
  assert isinstance(answers[1], Refused)
  assert rows == [3, 1, 1, 1]


@given(
  st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=5), min_size=1, max_size=8), st.integers(1, 8)
)
def test_whatever_comes_each_gets_its_own(requests, most):
  answers, rows = ask_while_one_runs(requests, Batching(max_rows=most, parallel=1))
  assert answers == [[2 * x for x in one] for one in requests]
  assert sum(rows) == sum(map(len, requests))


def test_a_full_queue_is_told_and_one_past_its_deadline_gives_its_place_up():
  run = Doubling()
  batcher = Batcher(run, Batching(parallel=1, queued=1))
  with concurrent.futures.ThreadPoolExecutor(2) as threads:
    first = threads.submit(batcher, [np.ones([1])])
    run.started.acquire()
    late = threads.submit(batcher, [np.ones([1])], time.monotonic() + 0.05)
    with pytest.raises(Refused, match="waited for its batch"):
      late.result()
    waiting = threads.submit(batcher, [np.ones([1])])
    while not batcher._queue:
      time.sleep(0.001)
    with pytest.raises(Refused, match="queue to which this task was submitted is full"):
      batcher([np.ones([1])])
    run.go.release(2)
    assert first.result()["y"] == waiting.result()["y"] == [2]
  assert run.rows == [1, 1]


def test_only_signatures_of_rows_are_batched():
  rows, scalar = Spec(np.dtype("float32"), (None, 3)), Spec(np.dtype("float32"), ())
  assert batchable(Signature({"a": rows}, {"b": rows}))
  assert not batchable(Signature({"a": rows, "k": scalar}, {"b": rows}))
  assert not batchable(Signature({"a": rows}, {"b": scalar}))
  assert not batchable(Signature({"a": Spec(np.dtype("float32"), (1, 3))}, {"b": rows}))


def test_a_server_that_batches_answers_as_one_that_does_not(tmp_path_factory):
  served = running.models(tmp_path_factory)
  bodies = [{"instances": [float(i)] * (1 + i % 3)} for i in range(16)]
  bodies += [
    {"signature_name": "scalar", "inputs": 2},
    {"instances": ["x"]},
    {"signature_name": "total", "inputs": [1, 2]},
  ]
  found = []
  for batching in (None, Batching(max_rows=8, wait=0.001)):
    server = running.server(served, batching=batching, grpc_port=None)
    with server, concurrent.futures.ThreadPoolExecutor(8) as threads:
      asked = [(server.rest_port, "POST", "/v1/models/odd:predict", body) for body in bodies]
      found.append(list(threads.map(lambda one: running.ask(*one), asked)))
  assert found[0] == found[1]
