"""Training over two workers on this machine: the weights of one, a worker that is lost, and a job that goes on."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from tests.training import worker
from tfrec_combo.base import files
from tfrec_combo.base.config import dump
from tfrec_combo.base.errors import ConfigError, ModelError
from tfrec_combo.base.stack import tf
from tfrec_combo.training import fit, optimizer, workers
from tfrec_combo.training.assemble import Run

ROOT = pathlib.Path(__file__).parents[2]
# Draws follow the rows that a replica sees: with all targets drawn, and nothing dropped or made up, there are none.
SAME = {
  "towers": {"id_dropout": 0},
  "retrieval": {"targets": 8, "pseudo_queries": 0, "epochs": 2},
  "ranker": {"epochs": 1, "hidden_history": 0},
  "combine": {"epochs": 1},
}


def addresses(count):
  """Free ports of this machine."""
  with_ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
  found = [f"127.0.0.1:{s.getsockname()[1]}" for s in with_ports]
  for one in with_ports:
    one.close()
  return found


def started(path, out, **environment):
  """Both workers of a cluster, under way; each writes to `out`<its number>.npz and .log."""
  cluster, found = {"worker": addresses(2)}, []
  for i in range(2):
    said = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})}
    command = [sys.executable, "-m", "tests.training.worker", str(path), f"{out}{i}.npz"]
    more = {name: values[i] for name, values in environment.items()}
    with open(f"{out}{i}.log", "wb") as log:
      found.append(
        subprocess.Popen(
          command, cwd=ROOT, env=os.environ | said | more, stdout=log, stderr=subprocess.STDOUT
        )
      )
  return found


@pytest.fixture(scope="module")
def ended(workshop, tmp_path_factory):
  """What two workers left, of which one was killed after the first epoch and both were started again."""
  folder = tmp_path_factory.mktemp("workers")
  config = workshop.config("two", training={"strategy": "multi_worker", "worker_timeout": 300}, **SAME)
  path = folder / "two.yaml"
  path.write_text(dump(config))
  state = Run(config).towers / "state.json"
  first = started(path, folder / "first", HOLD=("0", "1"))
  try:
    while not state.is_file() and first[1].poll() is None:
      time.sleep(0.1)
    first[1].kill()
    survivor = first[0].wait(120)
  finally:
    for process in first:
      process.kill()
  told = (folder / "first0.log").read_text(), (folder / "first1.log").read_text()
  epochs = files.read_json(state)["epoch"] if state.is_file() else None
  again = started(path, folder / "again")
  codes = [process.wait(600) for process in again]
  logs = [(folder / f"again{i}.log").read_text()[-2000:] for i in range(2)]
  assert codes == [0, 0], logs
  return {
    "killed": first[1].returncode,
    "survivor": survivor,
    "told": told,
    "epochs": epochs,
    "config": config,
    "workers": [dict(np.load(folder / f"again{i}.npz")) for i in range(2)],
    "folder": folder,
  }


def test_a_killed_worker_ends_the_other_with_the_way_out(ended):
  assert ended["killed"] == -signal.SIGKILL
  assert ended["survivor"] == 1, ended["told"]
  assert re.search(r"error: another worker is gone \(.+\); start all of them again", ended["told"][0])
  assert ended["epochs"] == 1


def test_two_workers_that_were_started_again_end_with_the_weights_of_one(ended, workshop, monkeypatch):
  first, second = ended["workers"]
  assert (bool(first["chief"]), bool(second["chief"])) == (True, False)
  monkeypatch.setattr(optimizer, "LazyAdam", worker.plain)
  config = workshop.config("alone", **SAME)
  models = fit.train(config)
  one = worker.weights(models)
  assert {name.partition(" ")[0] for name in one} == {"towers", "net"}
  for name, expected in one.items():
    np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    np.testing.assert_allclose(first[name], expected, atol=2e-5, err_msg=name)
  epochs = [
    files.read_json(Run(c).towers / "state.json")["history"]["loss"] for c in (config, ended["config"])
  ]
  np.testing.assert_allclose(*epochs, rtol=1e-4)


def test_each_worker_reads_its_part_of_every_batch(ended):
  whole = worker.share(ended["config"], tf.distribute.get_strategy())
  batch = ended["config"].retrieval.batch
  parts = np.split(whole, range(batch // 2, len(whole), batch // 2))
  for i, found in enumerate(ended["workers"]):
    np.testing.assert_array_equal(found["share"], np.concatenate(parts[i::2]))


def met(cluster, seconds, who):
  """How the meeting ends for each of `who`: None, or the message."""
  found = {}

  def come(own):
    try:
      workers.meet(workers.Cluster(cluster, own), seconds)
      found[own] = None
    except ModelError as e:
      found[own] = str(e)

  threads = [threading.Thread(target=come, args=(own,)) for own in who]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join(30)
  return found


def test_workers_that_are_all_there_go_on():
  assert met(addresses(3), 20, (2, 0, 1)) == {0: None, 1: None, 2: None}


@pytest.mark.parametrize(("who", "missing"), [((0, 1), (2,)), ((0,), (1, 2)), ((1, 2), (0,))])
def test_each_worker_that_came_names_those_that_did_not(who, missing):
  cluster = addresses(3)
  found = met(cluster, 1, who)
  told = f"worker {', '.join(cluster[i] for i in missing)} must be there within 1 s, got 'no answer'; start it there"
  assert set(found) == set(who)
  assert all(message.startswith(told) for message in found.values()), found


def test_a_port_that_is_taken_is_named():
  cluster = addresses(2)
  host, port = cluster[0].split(":")
  with socket.create_server((host, int(port))):
    assert met(cluster, 1, (0,))[0].startswith(f"port {port} of {host} must be free")


@pytest.mark.parametrize(
  "said",
  [
    "no JSON",
    '{"cluster": {"worker": ["here:1", "there:2"]}}',
    '{"cluster": {"worker": ["here:1", "there:2"]}, "task": {"type": "worker", "index": 2}}',
    '{"cluster": {"worker": ["here", "there:2"]}, "task": {"type": "worker", "index": 0}}',
    '{"cluster": {"worker": ["here:1", "there:2"]}, "task": {"type": "ps", "index": 0}}',
  ],
)
def test_a_cluster_that_cannot_be_read_is_told(monkeypatch, said):
  monkeypatch.setenv("TF_CONFIG", said)
  with pytest.raises(
    ConfigError, match="TF_CONFIG must be a cluster of chief and worker with host:port each"
  ):
    workers.cluster()


def test_the_chief_comes_first(monkeypatch):
  said = {"cluster": {"worker": ["a:1", "b:2"], "chief": ["c:3"]}, "task": {"type": "worker", "index": 1}}
  monkeypatch.setenv("TF_CONFIG", json.dumps(said))
  assert workers.cluster() == (["c:3", "a:1", "b:2"], 2)
  monkeypatch.setenv(
    "TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1"]}, "task": said["task"] | {"index": 0}})
  )
  assert workers.cluster() is None
