import threading
import time

import pytest

from tests.serving.server import running
from tfrec_combo.client import retry
from tfrec_combo.client.asking import Shopper
from tfrec_combo.client.rest import RestClient
from tfrec_combo.client.retry import ServerError, persist


class Busy:
  """Refuses so many times, then answers; writes down the seconds it was given and the waits."""

  def __init__(self, times, again=True, wait=0.0):
    self.left, self.again, self.wait, self.given = times, again, wait, []

  def __call__(self, seconds):
    self.given.append(seconds)
    if self.left:
      self.left -= 1
      raise ServerError("UNAVAILABLE", "busy", self.again, self.wait)
    return "answer"


@pytest.fixture
def waits(monkeypatch):
  found = []
  monkeypatch.setattr(retry.time, "sleep", found.append)
  return found


def test_a_busy_server_is_asked_again_with_longer_waits(waits):
  busy = Busy(6)
  assert persist(busy, 60, 6) == "answer"
  assert len(busy.given) == 7
  for i, wait in enumerate(waits):
    most = min(retry.LONGEST_WAIT, retry.FIRST_WAIT * 2**i)
    assert most / 2 <= wait <= most


def test_the_wait_a_server_asks_for_is_kept(waits):
  persist(Busy(1, wait=7.0), 60, 1)
  assert waits == [7.0]


def test_what_will_not_pass_is_told_at_once(waits):
  busy = Busy(1, again=False)
  with pytest.raises(ServerError, match="UNAVAILABLE: busy"):
    persist(busy, 60, 5)
  assert len(busy.given) == 1
  assert not waits


def test_retries_end_and_no_wait_outlasts_the_deadline(waits):
  busy = Busy(9)
  with pytest.raises(ServerError):
    persist(busy, 60, 2)
  assert len(busy.given) == 3
  waits.clear()
  with pytest.raises(ServerError):
    persist(Busy(1, wait=10.0), 5, 3)
  assert not waits


def test_each_attempt_gets_what_is_left():
  busy = Busy(2, wait=0.05)
  persist(busy, 10, 3)
  first, second, third = busy.given
  assert 10 >= first > second + 0.04 > third + 0.08


def test_a_server_that_comes_up_late_is_waited_for(tmp_path_factory):
  served = running.models(tmp_path_factory)
  with running.server(served, grpc_port=None) as server:
    port = server.rest_port
  client = RestClient(f"http://127.0.0.1:{port}", "shop", timeout=60.0, retries=20)
  started = threading.Thread(target=lambda: (time.sleep(0.5), again.start()))
  again = running.server(served, grpc_port=None, rest_port=port)
  started.start()
  assert client.recommend(Shopper(), 1)[0].product_id == "p0"
  started.join()
  again.stop()
