"""docs/serving.md: its curl lines and its Python run against a server and answer what the page says."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

from tests.client.sets_model import SetsModel
from tests.serving.fake_model import FakeModel
from tests.serving.server import running
from tfrec_combo.base.stack import tf
from tfrec_combo.serving.server.config_file import Served

PAGE = (pathlib.Path(__file__).parents[3] / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)
# A block of curl lines, and the JSON that stands right behind it.
CURLS = [
  pytest.param(
    text,
    BLOCKS[i + 1][1] if i + 1 < len(BLOCKS) and BLOCKS[i + 1][0] == "json" else None,
    id=text[:70].strip(),
  )
  for i, (language, text) in enumerate(BLOCKS)
  if language == "shell"
]
PYTHON = [text for language, text in BLOCKS if language == "py"]


class Shop(tf.Module):
  """Products as tests/serving/fake_model.py has them, sets and bundles as tests/client/sets_model.py."""

  def __init__(self):
    super().__init__()
    self.products, self.sets = FakeModel(), SetsModel()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
  shop, base = Shop(), tmp_path_factory.mktemp("page") / "shop"
  signatures = {"recommend": shop.products.recommend, "complete_basket": shop.products.complete_basket}
  signatures |= {"combine": shop.sets.combine, "rank_bundles": shop.sets.rank_bundles}
  options = tf.saved_model.SaveOptions(namespace_whitelist=["TFText"])
  tf.saved_model.save(
    shop, str(base / "1"), signatures | {"serving_default": shop.products.recommend}, options
  )
  with running.server({"shop": Served("shop", base)}) as started:
    yield started


def here(text, server):
  """The page's addresses as those of the server."""
  return text.replace("localhost:8501", f"127.0.0.1:{server.rest_port}").replace(
    "localhost:8500", f"127.0.0.1:{server.grpc_port}"
  )


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize(("lines", "answer"), CURLS)
def test_curl_answers_what_the_page_says(server, lines, answer):
  done = subprocess.run(["bash", "-ec", here(lines, server)], capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  assert done.stdout
  if answer is not None:
    assert json.loads(done.stdout) == json.loads(answer)


def test_the_page_shows_what_there_is():
  assert len(CURLS) >= 6
  assert sum(param.values[1] is not None for param in CURLS) >= 4


def test_the_client_runs(server, capsys):
  exec(compile(here(PYTHON[0], server), "docs/serving.md, the client", "exec"), {})
  lines = capsys.readouterr().out.splitlines()
  assert lines[0] == "p3 4.0 p1 7"
  assert lines[3:] == ["['p4'] 20.0 32.0", "('p3', 'p4', 'p5') 103.0"]


def test_the_stubs_run(server, capsys):
  exec(compile(here(PYTHON[1], server), "docs/serving.md, the stubs", "exec"), {})
  assert capsys.readouterr().out.startswith("[[b'p3' b'p0'")
