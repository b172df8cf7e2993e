"""REST as TF Serving speaks it: the table of contract.py, and what no table holds."""

import gzip
import json
import threading

import pytest

from tests.serving.server import contract, running
from tests.serving.server.odd_model import SLOW
from tests.serving.server.running import ask

PREDICT = "/v1/models/odd:predict"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
  return running.models(tmp_path_factory)


@pytest.fixture(scope="module")
def port(served):
  with running.server(served, grpc_port=None) as server:
    yield server.rest_port


@pytest.mark.parametrize(
  ("method", "path", "body", "status", "answer"),
  [r[1:] for r in contract.REST],
  ids=[r[0] for r in contract.REST],
)
def test_the_contract(port, method, path, body, status, answer):
  got, said = ask(port, method, path, body)
  assert got == status, said
  if isinstance(answer, str):
    assert said.keys() == {"error"}
    assert answer in said["error"]
  elif answer is not None:
    assert said == answer


def test_the_table_is_long_enough_and_names_each_row_once():
  assert len(contract.REST) >= 60
  assert len({row[0] for row in contract.REST}) == len(contract.REST)


def test_metadata_has_the_shape_of_the_proto(port):
  status, said = ask(port, "GET", "/v1/models/odd/labels/stable/metadata")
  assert status == 200
  assert said["model_spec"] == {"name": "odd", "signature_name": "", "version": "1"}
  signatures = said["metadata"]["signature_def"]["signature_def"]
  assert {"serving_default", "echo", "__saved_model_init_op"} <= signatures.keys()
  strings = signatures["strings"]
  dim = {"size": "-1", "name": ""}
  assert strings["inputs"] == {
    "x": {
      "dtype": "DT_STRING",
      "tensor_shape": {"dim": [dim, dim], "unknown_rank": False},
      "name": "strings_x:0",
    }
  }
  assert strings["method_name"] == "tensorflow/serving/predict"
  assert ask(port, "GET", "/v1/models/none/metadata")[0] == 404


def test_numbers_are_written_as_tf_serving_writes_them(port):
  body = {"signature_name": "echo", "inputs": {**{k: [v] * 5 for k, v in contract.ECHO.items()}}}
  body["inputs"]["f64"] = [0.1, 1 / 3, 1e21, 12345678.0, -0.0]
  body["inputs"]["f32"] = [[0.2, 1e10], [1 / 3, 3e-5], [16777215, 0.5], [9000000, 1], [2.4900000095, 0]]
  raw = _raw(port, body)
  assert '"f64": [0.1, 0.33333333333333331, 1e+21, 12345678.0, -0.0]' in raw
  assert '"f32": [[0.2, 1e+10], [0.333333343, 3e-05], [16777215.0, 0.5], [9e+06, 1.0], [2.49, 0.0]]' in raw


def test_nan_is_a_token_each_way(port):
  assert '"outputs": [NaN, 3.0]' in _raw(port, b'{"inputs": [NaN, 1]}')


def _raw(port, body):
  import http.client

  connection = http.client.HTTPConnection("127.0.0.1", port)
  connection.request("POST", PREDICT, body if isinstance(body, bytes) else json.dumps(body))
  return connection.getresponse().read().decode()


def test_bytes_that_are_no_text_come_back_as_b64(port):
  body = b'{"signature_name": "strings", "inputs": [["\xff\xfe", "tea"]]}'
  assert ask(port, "POST", PREDICT, body) == (200, {"outputs": [[{"b64": "//4="}, "tea"]]})
  body = b'{"signature_name": "strings", "inputs": [["\\ud800"]]}'
  assert ask(port, "POST", PREDICT, body)[0] == 400


def test_a_zipped_body_is_unpacked_within_the_limit(served):
  with running.server(served, grpc_port=None, body_bytes=1000) as server:
    zipped = gzip.compress(b'{"instances": [1]}')
    assert ask(server.rest_port, "POST", PREDICT, zipped, content_encoding="gzip") == (
      200,
      {"predictions": [3.0]},
    )
    bomb = gzip.compress(b" " * 10_000_000)
    status, said = ask(server.rest_port, "POST", PREDICT, bomb[:900], content_encoding="gzip")
    assert (status, said["error"][:16]) == (413, "the body must be")
    assert ask(server.rest_port, "POST", PREDICT, b"no gzip", content_encoding="gzip")[0] == 400
    assert ask(server.rest_port, "POST", PREDICT, b" " * 1001)[0] == 413


def test_rows_beyond_the_limit_are_refused(served):
  with running.server(served, grpc_port=None, batch_rows=3) as server:
    assert ask(server.rest_port, "POST", PREDICT, {"instances": [1, 2, 3]})[0] == 200
    status, said = ask(server.rest_port, "POST", PREDICT, {"instances": [1, 2, 3, 4]})
    assert (status, said["error"]) == (400, "input x has 4 rows; this server takes at most 3 a request")


def slow(turns=SLOW):
  return {"signature_name": "slow", "inputs": [turns]}


def test_a_request_beyond_its_time_is_told_so(served):
  with running.server(served, grpc_port=None, timeout=0.2) as server:
    status, said = ask(server.rest_port, "POST", PREDICT, slow(100 * SLOW))
    assert status == 504, said
    assert any(ask(server.rest_port, "POST", PREDICT, {"instances": [1]})[0] == 200 for _ in range(100))


def test_requests_beyond_those_in_work_are_told_to_come_back(served):
  with running.server(served, grpc_port=None, inflight=1) as server:
    found = []
    threads = [
      threading.Thread(target=lambda: found.append(ask(server.rest_port, "POST", PREDICT, slow())[0]))
      for _ in range(6)
    ]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join()
    assert set(found) == {200, 429}
    assert ask(server.rest_port, "POST", PREDICT, {"instances": [1]})[0] == 200, "the place is free again"


def test_a_token_is_asked_of_everything_but_health(served):
  with running.server(served, grpc_port=None, token="s3cret") as server:
    for path in ("/v1/models/odd", "/monitoring/prometheus/metrics"):
      assert ask(server.rest_port, "GET", path)[0] == 401
      assert ask(server.rest_port, "GET", path, authorization="Bearer wrong")[0] == 401
      assert ask(server.rest_port, "GET", path, authorization="Bearer s3cret")[0] == 200
    assert ask(server.rest_port, "GET", "/healthz")[0] == 200


def test_health_and_metrics(served):
  with running.server(served, grpc_port=None) as server:
    assert ask(server.rest_port, "GET", "/healthz") == (200, "alive\n")
    assert ask(server.rest_port, "GET", "/readyz") == (200, "ready\n")
    for body in ({"instances": [1]}, {"instances": [2]}, {}):
      ask(server.rest_port, "POST", PREDICT, body)
    ask(server.rest_port, "POST", "/v1/models/none:predict", {"instances": [1]})
    text = ask(server.rest_port, "GET", "/monitoring/prometheus/metrics")[1]
    lines = text.splitlines()
    assert ':tensorflow:serving:request_count{model_name="odd",status="OK"} 2.0' in lines
    assert ':tensorflow:serving:request_count{model_name="odd",status="INVALID_ARGUMENT"} 1.0' in lines
    assert ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"} 1.0' in lines
    labels = 'API="Predict",entrypoint="REST",model_name="odd"'
    assert f":tensorflow:serving:request_latency_count{{{labels}}} 2.0" in lines
    assert (
      ':tensorflow:serving:runtime_latency_count{API="Predict",model_name="odd",runtime="TF1"} 2.0' in lines
    )
    server.engine.models.close()
    assert ask(server.rest_port, "GET", "/readyz")[0] == 503


def test_cors_is_answered_only_when_asked_for(served, port):
  assert ask(port, "OPTIONS", PREDICT, origin="http://shop.example")[0] == 400
  with running.server(served, grpc_port=None, cors=True) as server:
    assert ask(server.rest_port, "OPTIONS", PREDICT, origin="http://shop.example")[0] == 200
    assert ask(server.rest_port, "OPTIONS", PREDICT)[0] == 400


def test_the_access_log_is_a_line_of_json_a_request(served, caplog):
  caplog.set_level("INFO", "tfrec_combo.serving.server.access")
  with running.server(served, grpc_port=None, access_log=True) as server:
    ask(server.rest_port, "POST", "/v1/models/odd/versions/1:predict", {"instances": [1]})
  (line,) = [json.loads(r.message) for r in caplog.records if r.name.endswith(".access")]
  assert line["status"] == "OK"
  assert (line["model"], line["version"], line["signature"]) == ("odd", 1, "serving_default")
  assert (line["http"], line["method"]) == (200, "POST")


def test_a_bug_is_told_as_one_and_logged(served, monkeypatch, caplog):
  def broken(*_):
    raise ZeroDivisionError("secret")

  with running.server(served) as server:
    monkeypatch.setattr(server.engine, "predict", broken)
    status, said = ask(server.rest_port, "POST", PREDICT, {"instances": [1]})
    assert (status, said) == (500, {"error": "ZeroDivisionError in the server; its log says where"})
    assert "secret" in caplog.text
