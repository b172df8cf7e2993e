"""Whatever is sent, the server says what is wrong with it. TFREC_COMBO_FUZZ: how many requests each API gets."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.serving.server import fuzz, running
from tests.serving.server.test_rpc import Stubs

REQUESTS = int(os.environ.get("TFREC_COMBO_FUZZ", "200"))
# Every example meets the same server: that is the point.
ONE_SERVER = settings(max_examples=REQUESTS, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
  with running.server(running.models(tmp_path_factory)) as started:
    yield started


@pytest.fixture(scope="module")
def rest(server):
  return fuzz.RestFuzz(server.rest_port)


@pytest.fixture(scope="module")
def rpc(server):
  stubs = Stubs(server.grpc_port)
  return fuzz.RpcFuzz(stubs.predictions, stubs.models)


@ONE_SERVER
@given(asked=fuzz.REST)
def test_rest_refuses_in_order(rest, asked):
  assert rest.fault(*asked) is None


@ONE_SERVER
@given(asked=fuzz.RPC)
def test_grpc_refuses_in_order(rpc, asked):
  assert rpc.fault(*asked) is None
