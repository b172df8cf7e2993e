"""Versions through their life: published, swapped, rolled back, half written, damaged, failing their warm-up."""

import concurrent.futures
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from tensorflow_serving.apis import prediction_log_pb2

from tests.serving.server import odd_model, running
from tests.small_disk import filled, small_disk
from tfrec_combo.base.errors import ConfigError, ModelError
from tfrec_combo.base.files import written_aside
from tfrec_combo.base.stack import tf
from tfrec_combo.serving.server import config_file, predict, storage, warmup
from tfrec_combo.serving.server.config_file import Served
from tfrec_combo.serving.server.models import ENDED_KEPT, Models
from tfrec_combo.serving.server.status import Refused
from tfrec_combo.serving.server.storage import Policy
from tfrec_combo.serving.server.version import State

X = [np.array([1.0], np.float32)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
  """Folders of odd models by the factor they multiply with."""
  folder = tmp_path_factory.mktemp("saved")
  return {factor: odd_model.save(folder, factor, float(factor)) / str(factor) for factor in (2, 3, 4)}


class Shop:
  """A base folder that versions are published to, and the models that watch it."""

  def __init__(self, base, saved, **options):
    self.base, self.saved = base, saved
    self.models = Models(warmup.replay, **options)

  def publish(self, version, factor):
    """As the exporter does: written aside, then renamed."""
    aside = self.base / f".{version}.aside"
    shutil.copytree(self.saved[factor], aside)
    aside.rename(self.base / str(version))

  def serve(self, policy=None, **labels):
    self.models.apply({"odd": Served("odd", self.base, policy or Policy(), labels)})

  def answer(self, version=None, label=None):
    """What 1 is multiplied with."""
    with self.models.held("odd", version, label) as found:
      return float(predict.run(found.model, "double", X, ["y"], None)["y"][0])

  def states(self):
    return {v.number: v.state.name for v in self.models.status("odd")}


@pytest.fixture
def shop(tmp_path, saved):
  shop = Shop(tmp_path, saved)
  yield shop
  shop.models.close()


def record(x, signature="double", name="x"):
  log = prediction_log_pb2.PredictionLog()
  request = log.predict_log.request
  request.model_spec.name, request.model_spec.signature_name = "odd", signature
  request.inputs[name].CopyFrom(tf.make_tensor_proto(np.array(x, np.float32)))
  return log.SerializeToString()


def warm(folder, *records):
  path = folder / warmup.FILE
  path.parent.mkdir(exist_ok=True)
  with tf.io.TFRecordWriter(str(path)) as writer:
    for one in records:
      writer.write(one)


def test_a_folder_of_versions(tmp_path):
  for name in ("1", "0002", "10", "2", ".3.aside", "notes", "-4", "²", "9" * 30):
    (tmp_path / name).mkdir()
  (tmp_path / "77").write_text("a file")
  assert {n: p.name for n, p in storage.versions(tmp_path).items()} == {1: "1", 2: "0002", 10: "10"}
  with pytest.raises(ModelError, match="must be a folder that can be read"):
    storage.versions(tmp_path / "none")


@pytest.mark.parametrize(
  ("policy", "wanted"),
  [
    (Policy(), [10]),
    (Policy(latest=2), [10, 2]),
    (Policy(latest=None), [10, 2, 1]),
    (Policy(specific=(1, 2, 5)), [2, 1]),
  ],
)
def test_policies(policy, wanted):
  assert policy.wanted([1, 2, 10]) == wanted


def test_a_new_version_takes_over_and_gives_way_when_it_is_rolled_back(shop):
  shop.publish(1, 2)
  shop.serve()
  assert shop.answer() == 2
  shop.publish(2, 3)
  shop.models.poll()
  assert shop.answer() == 3
  assert shop.states() == {2: "AVAILABLE", 1: "END"}
  with pytest.raises(Refused, match=r"Specific\(odd, 1\)"):
    shop.answer(version=1)
  shutil.rmtree(shop.base / "2")
  shop.models.poll()
  assert shop.answer() == 2
  assert shop.states() == {2: "END", 1: "AVAILABLE"}
  shop.publish(2, 4)
  shop.models.poll()
  assert shop.answer() == 4


def test_a_request_keeps_the_version_it_began_with(shop):
  shop.publish(1, 2)
  shop.serve()
  with shop.models.held("odd") as old:
    shop.publish(2, 3)
    shop.models.poll()
    assert old.state is State.UNLOADING
    assert predict.run(old.model, "double", X, ["y"], None)["y"] == [2.0]
    assert shop.answer() == 3
  assert old.state is State.END


def test_an_empty_folder_unloads_and_one_that_is_away_does_not(shop):
  shop.publish(1, 2)
  shop.serve()
  moved = shop.base.rename(shop.base.parent / "away")
  shop.models.poll()
  assert shop.answer() == 2
  moved.rename(shop.base)
  shutil.rmtree(shop.base / "1")
  shop.models.poll()
  with pytest.raises(Refused, match=r"Latest\(odd\)"):
    shop.answer()
  assert not shop.models.ready()


@pytest.mark.parametrize(
  "how", ["empty", "graph cut", "values cut", "no variables", "warm-up fails", "warm-up is noise"]
)
def test_a_version_that_is_not_whole_leaves_the_old_one_serving(shop, how):
  shop.publish(1, 2)
  shop.serve()
  bad = shop.base / "2"
  if how == "empty":
    bad.mkdir()
  else:
    shutil.copytree(shop.saved[3], bad)
    damage(bad, how)
  shop.models.poll()
  assert shop.answer() == 2
  assert shop.states() == {2: "END", 1: "AVAILABLE"}
  (failed, _) = shop.models.status("odd")
  assert failed.code != 0
  assert failed.message
  shutil.rmtree(bad)
  shop.publish(3, 4)
  shop.models.poll()
  assert shop.answer() == 4


def damage(folder, how):
  values = next((folder / "variables").glob("*.data*"))
  if how == "graph cut":
    graph = folder / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:5000])
  elif how == "values cut":
    values.write_bytes(values.read_bytes()[:2])
  elif how == "no variables":
    shutil.rmtree(folder / "variables")
  elif how == "warm-up fails":
    warm(folder, record([1.0]), record([1.0], "nonsense"))
  elif how == "warm-up is noise":
    warm(folder, b"\xff\xff noise")


def test_a_version_copied_in_place_is_served_once_it_is_whole(shop):
  shop.publish(1, 2)
  shop.serve()
  (shop.base / "2").mkdir()
  shutil.copy(shop.saved[3] / "saved_model.pb", shop.base / "2")
  shop.models.poll()
  assert shop.answer() == 2
  shutil.copytree(shop.saved[3], shop.base / "2", dirs_exist_ok=True)
  shop.models.poll()  # sees that it changed
  shop.models.poll()  # and that it has settled
  assert shop.answer() == 3


def test_a_failed_version_is_tried_again_so_often(tmp_path, saved):
  shop = Shop(tmp_path, saved, retries=2, retry_seconds=0.0)
  shop.publish(1, 2)
  shop.serve()
  (tmp_path / "2").mkdir()
  for _ in range(6):
    shop.models.poll()
  assert shop.models.status("odd")[0].tries == 3
  shop.models.close()


def test_at_the_start_an_older_version_stands_in_for_a_damaged_one(shop):
  shop.publish(1, 2)
  shop.publish(2, 3)
  damage(shop.base / "2", "graph cut")
  shop.serve()
  assert shop.answer() == 2


def test_nothing_to_serve_says_why(shop):
  with pytest.raises(Refused, match=r"1 model\(s\) did not become available: .*holds no version"):
    shop.serve()
  (shop.base / "1").mkdir()
  with pytest.raises(Refused, match=r"must hold saved_model.pb"):
    shop.serve()


def test_warm_up_asks_what_the_file_holds(shop):
  shop.publish(1, 2)
  warm(shop.base / "1", record([1.0]), record([1.0, 2.0]), record(3.0, "scalar"))
  shop.serve()
  with shop.models.held("odd") as version:
    assert warmup.replay(version.model) == 3
    warm(shop.base / "1", *[record([1.0])] * (warmup.MOST + 1))
    with pytest.raises(Refused, match="at most 1000 requests"):
      warmup.replay(version.model)


def test_labels_name_available_versions_only(shop):
  shop.publish(1, 2)
  shop.publish(2, 3)
  shop.serve(Policy(latest=None), stable=1, canary=2)
  assert (shop.answer(label="stable"), shop.answer(label="canary"), shop.answer()) == (2, 3, 3)
  with pytest.raises(Refused, match="must name a version that is available, got 3"):
    shop.serve(Policy(latest=None), stable=3)
  assert shop.answer(label="stable") == 2, "the labels of before stay"
  shop.serve(Policy(latest=None), stable=2)
  assert shop.answer(label="stable") == 3
  with pytest.raises(Refused, match="Unrecognized servable version label: canary"):
    shop.answer(label="canary")
  shop.models.apply(
    {"odd": Served("odd", shop.base, Policy(latest=None), {"stable": 2, "next": 3})}, labels_ahead=True
  )
  with pytest.raises(Refused, match=r"Specific\(odd, 3\)"):
    shop.answer(label="next")
  shop.publish(3, 4)
  shop.models.poll()
  assert shop.answer(label="next") == 4


def test_only_some_ended_versions_are_remembered(shop, monkeypatch):
  shop.publish(1, 2)
  shop.serve()
  for version in range(2, ENDED_KEPT + 5):
    (shop.base / str(version - 1)).rename(shop.base / str(version))
    shop.models.poll()
  assert len(shop.models.status("odd")) == ENDED_KEPT + 1
  assert shop.answer() == 2


def test_swaps_under_load_fail_no_request(shop):
  shop.publish(1, 2)
  shop.serve()
  stop, served = threading.Event(), []

  def ask():
    while not stop.is_set():
      served.append(shop.answer())

  with concurrent.futures.ThreadPoolExecutor(2) as threads:
    asking = [threads.submit(ask) for _ in range(2)]
    for version in range(2, 12):
      shop.publish(version, 2 + version % 3)
      shop.models.poll()
      assert shop.answer() == 2 + version % 3
      shutil.rmtree(shop.base / str(version - 1))
    stop.set()
    for one in asking:
      one.result()
  assert set(served) == {2, 3, 4}


# Writes a version as the exporter does and is killed in the middle of it.
PUBLISHER = """
import pathlib, shutil, sys, time
from tfrec_combo.base.files import written_aside
source, target = map(pathlib.Path, sys.argv[1:])
with written_aside(target) as aside:
  aside.mkdir()
  shutil.copy(source / "saved_model.pb", aside)
  print("half", flush=True)
  time.sleep(60)
"""


def test_a_publisher_killed_half_way_leaves_nothing_to_serve(shop):
  shop.publish(1, 2)
  shop.serve()
  command = [sys.executable, "-c", PUBLISHER, str(shop.saved[3]), str(shop.base / "2")]
  publisher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
  assert publisher.stdout.readline() == "half\n"
  shop.models.poll()
  assert shop.states() == {1: "AVAILABLE"}
  publisher.send_signal(signal.SIGKILL)
  publisher.wait()
  shop.models.poll()
  assert shop.answer() == 2
  assert shop.states() == {1: "AVAILABLE"}


def test_on_a_full_disk_the_old_version_goes_on(tmp_path, saved):
  with small_disk(tmp_path, 8) as disk:
    shop = Shop(disk, saved)
    shop.publish(1, 2)
    shop.serve()
    with filled(disk, 40_000):
      with pytest.raises(OSError, match="No space left"), written_aside(disk / "2") as aside:
        shutil.copytree(saved[3], aside)
      with pytest.raises(shutil.Error, match="No space left"):
        shutil.copytree(saved[3], disk / "3")  # by one who does not know how to publish
      shop.models.poll()
      assert shop.answer() == 2
      assert shop.states() == {3: "END", 1: "AVAILABLE"}
      assert "copy" in shop.models.status("odd", 3)[0].message
    shutil.copytree(saved[3], disk / "3", dirs_exist_ok=True)
    for _ in range(2):  # at the first it may be half copied still
      shop.models.poll()
    assert shop.answer() == 3
    shop.models.close()


CONFIG = """
model_config_list {
  config {
    name: "shop" base_path: "/models/shop" model_platform: "tensorflow"
    model_version_policy { specific { versions: 1 versions: 2 } }
    version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }
  }
  config { name: "all" base_path: "/models/all" model_version_policy { all {} } }
  config { name: "two" base_path: "/models/two" model_version_policy { latest { num_versions: 2 } } }
  config { name: "plain" base_path: "/models/plain" }
}
"""


def test_a_config_file_is_read_as_tf_serving_does(tmp_path):
  path = tmp_path / "models.config"
  path.write_text(CONFIG)
  models = config_file.read(path)
  base = pathlib.Path("/models")
  assert models["shop"] == Served("shop", base / "shop", Policy(1, (1, 2)), {"stable": 1, "canary": 2})
  assert models["all"].policy == Policy(latest=None)
  assert models["two"].policy == Policy(latest=2)
  assert models["plain"] == Served("plain", base / "plain", Policy(latest=1))


@pytest.mark.parametrize(
  ("text", "words"),
  [
    ("model_config_list { config { nme: 'x' } }", "no field named"),
    ("model_config_list { config { base_path: '/x' } }", "name must be given"),
    ("model_config_list { config { name: 'a/b' base_path: '/x' } }", "without / and :"),
    ("model_config_list { config { name: 'x' } }", "base_path must be given"),
    (
      "model_config_list { config { name: 'x' base_path: '/x' model_platform: 'torch' } }",
      "must be tensorflow",
    ),
    (
      "model_config_list { config { name: 'x' base_path: '/x' model_version_policy { specific {} } } }",
      "versions must be whole",
    ),
    ("", "must be a model_config_list, got 'nothing'"),
  ],
)
def test_a_wrong_config_file_says_what(tmp_path, text, words):
  path = tmp_path / "models.config"
  path.write_text(text)
  with pytest.raises(ConfigError, match=words):
    config_file.read(path)
  with pytest.raises(ConfigError, match="No such file"):
    config_file.read(tmp_path / "none")


def test_a_config_file_that_changes_is_followed_and_a_wrong_one_is_not(tmp_path, saved):
  shutil.copytree(saved[2], tmp_path / "odd" / "1")
  path = tmp_path / "models.config"
  line = 'config {{ name: "{}" base_path: "' + str(tmp_path / "odd") + '" }}'
  path.write_text(f"model_config_list {{ {line.format('one')} }}")
  watching = running.Server(
    running.Options(grpc_port=None, rest_port=0, poll=0.02, config_poll=0.02), config=path
  )
  with watching as server:
    follow(server, "one")
    path.write_text("nonsense")
    path.write_text(f"model_config_list {{ {line.format('two')} }}")
    follow(server, "two")


def follow(server, name):
  deadline = threading.Event()
  for _ in range(500):
    if server.engine.models.names() == [name] and server.engine.models.ready():
      assert running.ask(server.rest_port, "POST", f"/v1/models/{name}:predict", {"instances": [1]})[0] == 200
      return
    deadline.wait(0.02)
  pytest.fail(f"{name} is not served")
