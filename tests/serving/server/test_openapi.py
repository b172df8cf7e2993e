"""The server's own description of itself, and whatever it allows and forbids sent to the server."""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from tests.serving.server import fuzz, running
from tests.serving.server.running import ask
from tests.serving.server.test_fuzz import REQUESTS

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)  # what the document allows, and what it forbids
CHECKS = [
  schemathesis.checks.status_code_conformance,
  schemathesis.checks.content_type_conformance,
  schemathesis.checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
  with running.server(running.models(tmp_path_factory), grpc_port=None) as started:
    yield started


@pytest.fixture(scope="module")
def told(server):
  return schemathesis.openapi.from_url(f"http://127.0.0.1:{server.rest_port}/openapi.json")


@pytest.fixture(scope="module")
def session():
  with requests.Session() as session:
    yield session


@pytest.mark.parametrize("mode", MODES)
def test_each_answer_is_one_of_a_healthy_server_and_as_described(told, session, mode):
  @given(case=told.as_strategy(mode))
  @settings(max_examples=REQUESTS // len(MODES), suppress_health_check=list(HealthCheck), deadline=None)
  def each(case):
    answer = case.call(session=session, timeout=fuzz.PATIENCE)
    assert answer.status_code in fuzz.HEALTHY, answer.text[:300]
    case.validate_response(answer, checks=CHECKS)

  each()


def test_it_describes_what_is_served(server):
  status, said = ask(server.rest_port, "GET", "/openapi.json")
  assert status == 200
  assert len([path for path in said["paths"] if path.startswith("/v1")]) == 5 * (2 + 3)
  bodies = said["paths"]["/v1/models/odd:predict"]["post"]["requestBody"]["content"]["application/json"][
    "schema"
  ]
  by_title = {body["title"]: body for body in bodies["anyOf"]}
  add = by_title["add, instances"]["properties"]
  assert add["signature_name"] == {"const": "add"}
  assert add["instances"]["items"] == {
    "type": "object",
    "properties": {"x": {"type": "number"}, "plus": {"type": "number"}},
    "required": ["x"],
    "additionalProperties": False,
  }
  column = by_title["echo, inputs"]["properties"]["inputs"]["properties"]["f32"]
  assert column["items"] == {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


def test_it_asks_for_the_token(tmp_path_factory):
  with running.server(running.models(tmp_path_factory), grpc_port=None, token="secret") as server:
    assert ask(server.rest_port, "GET", "/openapi.json")[0] == 401
    status, said = ask(server.rest_port, "GET", "/openapi.json", Authorization="Bearer secret")
  assert status == 200
  assert said["security"] == [{"token": []}]
