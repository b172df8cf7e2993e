"""The SavedModel asked without Python: bit for bit what session mode answers, and told where it fails."""

import copy

import numpy as np
import pytest

from tests import makers
from tests.export import bad
from tests.serving import fake_model
from tfrec_combo.base.errors import ModelError
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex
from tfrec_combo.serving import model, native

pytestmark = pytest.mark.skipif(not native.available(), reason="no g++ to build the program with")


@pytest.fixture(scope="module")
def runner():
  return native.Runner()


@pytest.fixture
def forgetful(runner, tmp_path):
  """The runner, on a machine where nothing was replayed before."""
  folder = bad.saved(tmp_path / "any" / "1", {"plain": bad.twice})
  runner.ask(folder, {"one": ("plain", {"x": np.ones([1, 2], np.float32)})})  # it is built
  elsewhere = copy.copy(runner)
  elsewhere.program = tmp_path / "cache" / runner.program.name
  elsewhere.program.parent.mkdir()
  elsewhere.program.symlink_to(runner.program)
  return elsewhere


def same(found, expected):
  assert found.keys() == expected.keys()
  for name, values in expected.items():
    assert found[name].dtype == values.dtype
    np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_every_signature_answers_as_session_mode_does(runner, tmp_path_factory):
  folder = fake_model.shop(tmp_path_factory) / "1"
  queries = ["p3", "", "P9"]
  asked = {
    "recommend": fake_model.inputs(3, query=queries, basket_ids=[["p1", "ä", ""], [""] * 3, ["p2"] * 3])
  }
  asked["complete_basket"] = asked["recommend"]
  with model.load(folder) as served:
    wanted = served.signature("combine").inputs
  wishes = {"size_max": np.array([1, 2, 3], np.int32), "budget": np.array([0, 9, 20], np.float32)}
  empty = {n: np.full([3, *s.shape[1:]], "" if s.dtype == object else 0, s.dtype) for n, s in wanted.items()}
  asked["combine"] = empty | asked["recommend"] | wishes
  asked["embed_queries"] = fake_model.inputs(0)
  found = runner.ask(folder, {f"{n}.1": (n, inputs) for n, inputs in asked.items()})
  with model.load(folder) as served:
    for name, inputs in asked.items():
      same(found[f"{name}.1"], served.predict(name, inputs))
  assert {path.parts[-4] for path in native.op_libraries(folder)} == {"tensorflow_text"}


@pytest.mark.parametrize("make", [ScannIndex, lambda: PortableIndex(10_000)], ids=["scann", "portable"])
def test_each_index_answers_as_session_mode_does(runner, make, tmp_path):
  index = make().build(makers.unit(5000, 8), [f"p{i}" for i in range(5000)])
  functions = {"search": lambda x: dict(zip(("scores", "ids"), index.lookup(x, 20)))}
  folder = bad.saved(
    tmp_path / "1", functions, {"x": bad.tf.TensorSpec([None, 8], bad.tf.float32, "x")}, {"i": index}
  )
  queries = {"x": makers.unit(9, 8, seed=1)}
  found = runner.ask(folder, {"one": ("search", queries)})
  with model.load(folder) as served:
    same(found["one"], served.predict("search", queries))


def test_a_model_that_only_python_answers_is_told(runner, tmp_path):
  folder = bad.keras_copy(tmp_path / "1")
  with pytest.raises(ModelError, match=r"does not serve without Python: .*one: .*; export it again"):
    runner.ask(folder, {"one": ("serving_default", {"x": np.ones([1, 2], np.float32)})})


def test_a_server_that_lacks_an_op_fails_at_the_request(runner, tmp_path):
  folder = bad.saved(tmp_path / "1", {"plain": bad.twice, "trimmed": bad.trimmed})
  x = {"x": np.ones([1, 2], np.float32)}
  old = native.NEW_TEXT_LIBRARIES
  same(runner.ask(folder, {"one": ("plain", x)}, without=old)["one"], {"y": 2 * x["x"]})
  assert runner.ask(folder, {"one": ("trimmed", x)})["one"]["y"].shape == (1, 2)
  with pytest.raises(ModelError, match="TFText>RoundRobinTrim"):
    runner.ask(folder, {"one": ("trimmed", x)}, without=old)


def test_a_replay_tells_a_changed_answer(runner, tmp_path):
  x = np.arange(6, dtype=np.float32).reshape(3, 2)
  folder = bad.with_requests(tmp_path / "1", {"serving_default": bad.twice}, x)
  assert runner.replay(folder) == {"serving_default": 0}
  path = folder / "assets.extra" / "golden" / "serving_default.npz"
  np.savez(path, **(dict(np.load(path)) | {"out:y": 2 * x + 1}))
  with pytest.raises(ModelError, match=r"y differs by 1\.0 .*asked without Python"):
    runner.replay(folder)


def test_it_knows_which_ops_it_has_seen(forgetful, tmp_path):
  x = np.ones([3, 2], np.float32)
  make = lambda name, function: bad.with_requests(tmp_path / name / "1", {"serving_default": function}, x)
  one, same, other = make("one", bad.twice), make("same", bad.twice), make("other", bad.trimmed)
  golden = one / "assets.extra" / "golden" / "serving_default.npz"
  right = golden.read_bytes()
  np.savez(golden, **(dict(np.load(golden)) | {"out:y": 2 * x + 1}))
  with pytest.raises(ModelError, match="differs"):
    forgetful.replay(one)
  assert forgetful.lacks(one), "a replay that fails is none"
  golden.write_bytes(right)
  forgetful.replay(one)
  assert [forgetful.lacks(folder) for folder in (one, same, other)] == [False, False, True]


def test_a_program_that_does_not_build_says_so(tmp_path, monkeypatch):
  broken = tmp_path / "run_signatures.cc"
  broken.write_text("int main() { return nothing; }")
  monkeypatch.setattr(native, "SOURCE", broken)
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  with pytest.raises(ModelError, match=r"does not build .*nothing.*native_check=off"):
    native.Runner().ask(tmp_path, {})
