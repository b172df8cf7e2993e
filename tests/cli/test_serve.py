import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

from tests.serving import fake_model
from tests.serving.server import odd_model, running
from tfrec_combo.base import errors, pins
from tfrec_combo.cli import main

# A process as a server's: nothing that trains can be imported.
FRESH = """
import sys
for name in ("keras", "keras_nlp", "keras_hub", "tensorflow_recommenders", "tensorflow_datasets"):
  sys.modules[name] = None
from tfrec_combo.cli.main import main
try:
  main(sys.argv[1:])
finally:
  rooms = {m.split(".")[1] for m in sys.modules if m.startswith("tfrec_combo.")}
  assert rooms == {"base", "serving", "cli"}, rooms
"""


def free_port():
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    return s.getsockname()[1]


@pytest.fixture
def serving(tmp_path):
  """Starts the command in a fresh process and waits until it is ready; returns the process and its REST port."""
  started = []

  def start(*args):
    port = free_port()
    env = os.environ | {"PYTHONPATH": os.getcwd()}
    env.pop("TF_USE_LEGACY_KERAS")
    command = [sys.executable, "-c", FRESH, "serve", *args, "--port", "0", "--rest-api-port", str(port)]
    with open(tmp_path / "stderr", "w") as errors:
      started.append(subprocess.Popen(command, stderr=errors, env=env))
    for _ in range(600):
      try:
        if running.ask(port, "GET", "/readyz")[0] == 200:
          return started[-1], port
      except OSError:
        time.sleep(0.1)
      assert started[-1].poll() is None, (tmp_path / "stderr").read_text()[-2000:]
    pytest.fail("not ready in time")

  yield start
  for process in started:
    process.kill()
    process.wait()


def test_a_fresh_process_serves_without_what_trains_and_finishes_its_work_at_sigterm(serving, tmp_path):
  base = odd_model.save(tmp_path / "odd")
  process, port = serving("--model-base-path", str(base), "--access-log")
  assert running.ask(port, "POST", "/v1/models/odd:predict", {"instances": [1]}) == (
    200,
    {"predictions": [2.0]},
  )
  slow, found = {"signature_name": "slow", "inputs": [odd_model.SLOW]}, []
  asking = threading.Thread(
    target=lambda: found.append(running.ask(port, "POST", "/v1/models/odd:predict", slow))
  )
  asking.start()
  time.sleep(0.3)
  process.send_signal(signal.SIGTERM)
  asking.join()
  assert found == [(200, {"outputs": [odd_model.SLOW]})]
  assert process.wait(30) == 0, (tmp_path / "stderr").read_text()[-2000:]
  said = (tmp_path / "stderr").read_text()
  assert "serving odd at 127.0.0.1" in said
  assert '"signature": "slow"' in said


def test_the_shop_s_model_is_served_after_a_move(serving, tmp_path, tmp_path_factory):
  moved = shutil.copytree(fake_model.shop(tmp_path_factory), tmp_path / "elsewhere")
  _, port = serving("--model-base-path", str(moved), "--model-name", "shop", "--enable-batching")
  row = {k: v.tolist()[0] for k, v in fake_model.inputs(1, query=["P7"]).items()}
  status, said = running.ask(port, "POST", "/v1/models/shop:predict", {"instances": [row]})
  assert (status, said["predictions"][0]["product_ids"][0]) == (200, "p7")


@pytest.mark.parametrize(
  ("args", "words"),
  [
    ([], "--model-base-path or --model-config-file must be given"),
    (["--model-base-path", "{shop}", "--model-config-file", "x"], "got 'both'"),
    (["--model-base-path", "{shop}/1"], "must hold versions, not be one"),
    (["--model-base-path", "{shop}", "--model-name", "a/b"], "--model-name must have no / and :"),
    (["--model-base-path", "{none}"], "did not become available"),
    (["--model-config-file", "{none}"], "--model-config-file must hold"),
    (["--model-base-path", "{shop}", "--token-file", "{none}"], "--token-file must be a file"),
    (["--model-base-path", "{shop}", "--rest-api-port", "{taken}"], "--rest-api-port must be open"),
    (["--model-base-path", "{shop}", "--ssl-certificate", "{none}"], "--ssl-certificate and --ssl-key"),
  ],
)
def test_a_wrong_option_is_named(args, words, tmp_path, tmp_path_factory):
  with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    known = {
      "shop": fake_model.shop(tmp_path_factory),
      "none": tmp_path / "none",
      "taken": taken.getsockname()[1],
    }
    filled = [a.format(**known) for a in args]
    done = CliRunner().invoke(main.app, ["serve", "--port", "0", *filled])
  kind = errors.ModelError if words.startswith("did not become") else errors.ConfigError
  assert done.exit_code == kind.exit_code, done.output
  assert words in done.output


def test_a_missing_extra_says_which_install_brings_it(monkeypatch):
  monkeypatch.setattr(pins, "installed", lambda name: None if name == "uvicorn" else "1")
  done = CliRunner().invoke(main.app, ["serve"])
  assert done.exit_code == errors.StackError.exit_code
  assert "needs uvicorn" in done.output
  assert '-m pip install "tfrec-combo[serve]"' in done.output
