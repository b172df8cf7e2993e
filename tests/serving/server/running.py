"""A server on free ports of this machine, and a bare HTTP client for it."""

import http.client
import json

from tests.serving import fake_model
from tests.serving.server import odd_model
from tfrec_combo.serving.server.config_file import Served
from tfrec_combo.serving.server.options import Options
from tfrec_combo.serving.server.server import Server
from tfrec_combo.serving.server.storage import Policy


def models(tmp_path_factory) -> dict[str, Served]:
  """`shop` (tests/serving/fake_model.py) and `odd` with versions 1 (times 2) and 2 (times 3), labelled; written once."""
  odd = tmp_path_factory.getbasetemp() / "saved_models" / "odd"
  if not odd.exists():
    odd_model.save(odd, "0001", 2.0)
    odd_model.save(odd, 2, 3.0)
  labels = {"stable": 1, "canary": 2}
  shop = fake_model.shop(tmp_path_factory)
  return {"shop": Served("shop", shop), "odd": Served("odd", odd, Policy(latest=None), labels)}


def server(served: dict[str, Served], **options) -> Server:
  """One that is started by `with`; looks at the folders only when a test says so, unless `poll` is given."""
  return Server(Options(**{"grpc_port": 0, "rest_port": 0, "poll": 3600.0} | options), served)


def ask(port: int, method: str, path: str, body: object = None, **headers: str) -> tuple[int, object]:
  """Status and body: parsed where it is JSON, else text. `body`: bytes as they are, or what JSON can hold."""
  connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
  try:
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, path, sent, {k.replace("_", "-"): v for k, v in headers.items()})
    response = connection.getresponse()
    text = response.read().decode()
    is_json = response.headers.get("content-type", "").startswith("application/json")
    return response.status, json.loads(text) if is_json else text
  finally:
    connection.close()
