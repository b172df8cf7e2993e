import concurrent.futures
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.serving import fake_model
from tests.serving.fake_model import H, inputs
from tfrec_combo.base.errors import DataError, ModelError, StackError
from tfrec_combo.base.stack import tf
from tfrec_combo.serving import calls, op_libraries, signature
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.model import load, newest_version
from tfrec_combo.serving.requests import Request

# A process as a server's: nothing that trains can be imported. tf_keras is not among them: TensorFlow's own
# `import tensorflow` imports it wherever it is installed.
FRESH = """
import sys
for name in ("keras", "keras_nlp", "keras_hub", "tensorflow_recommenders", "tensorflow_datasets"):
  sys.modules[name] = None
from tests.serving.fake_model import inputs
from tfrec_combo.serving.model import load
with load(sys.argv[1]) as model:
  print(model.predict("recommend", inputs(1, query=["P7"]))["product_ids"][0, 0].decode())
rooms = {m.split(".")[1] for m in sys.modules if m.startswith("tfrec_combo.")}
assert rooms == {"base", "serving"}, rooms
assert tuple(map(sys.modules.get, ("keras", "keras_nlp", "tensorflow_recommenders"))) == (None,) * 3
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
  return fake_model.shop(tmp_path_factory)


@pytest.fixture(scope="module")
def model(shop):
  with load(shop) as loaded:
    yield loaded


def test_polling_threads_answer_the_same_and_are_asked_for_in_each_run(model, monkeypatch):
  made, options = calls.tf_session.TF_NewBufferFromString, []
  keep = lambda said: options.append(tf.compat.v1.RunOptions.FromString(said)) or made(said)
  monkeypatch.setattr(calls.tf_session, "TF_NewBufferFromString", keep)
  recommend = model.signature("recommend")
  arrays = [signature.checked(recommend, inputs(1, query=[f"P{i}"])) for i in range(8)]
  plain = [model.run("recommend", one) for one in arrays]
  assert not options
  with concurrent.futures.ThreadPoolExecutor(4) as threads:
    polled = list(threads.map(lambda one: model.run("recommend", one, polling=True), arrays))
  assert [(one.experimental.use_run_handler_pool, one.timeout_in_ms) for one in options] == [(True, 0)] * 8
  for one, other in zip(plain, polled):
    for name, value in one.items():
      np.testing.assert_array_equal(other[name], value)


@pytest.fixture
def copy(shop, tmp_path):
  return shutil.copytree(shop / "1", tmp_path / "shop" / "1")


def first(outputs, name="product_ids"):
  return [i.decode() for i in outputs[name][0]]


@pytest.mark.parametrize("form", [str, bytes])
def test_answers_are_what_the_graph_says(model, form):
  def ids(*rows):
    return [[form(i) if form is str else i.encode() for i in row] for row in rows]

  asked = inputs(1, history_ids=ids(["p8", "p5", "", ""]), basket_ids=ids(["p1", "", ""]))
  asked |= {"history_days": [[1.0, 9.0, 0.0, 0.0]], "exclude_ids": np.asarray(ids(["p0", ""]), object)}
  outputs = model.predict("recommend", asked)
  assert first(outputs) == ["p8", "p5", "p2", "p3", "p4", "p6"]
  np.testing.assert_allclose(outputs["scores"][0], [1 + 50, 4 + 10, 7, 6, 5, 3])
  np.testing.assert_allclose(outputs["prices"][0], [9, 6, 3, 4, 5, 7])


def test_signatures_tell_types_and_shapes(model):
  assert list(model.signatures) == [
    "combine",
    "complete_basket",
    "embed_queries",
    "rank_bundles",
    "recommend",
    "serving_default",
  ]
  combine = model.signature("combine")
  assert {name: str(spec) for name, spec in combine.inputs.items()} == {
    "basket_ids": "string [B, 3]",
    "budget": "float32 [B]",
    "context": "string [B]",
    "exclude_ids": "string [B, 2]",
    "history_days": "float32 [B, 4]",
    "history_ids": "string [B, 4]",
    "query": "string [B]",
    "size_min": "int32 [B]",
    "size_max": "int32 [B]",
    "must_include_ids": "string [B, 3]",
    "one_per_category": "int32 [B]",
    "allowed_categories": "string [B, 2]",
    "in_stock_ids": "string [B, 5]",
    "diversity": "float32 [B]",
  }
  assert combine.outputs["set_ids"].shape == (None, 2, 3)


def test_eager_mode_stays_on_and_a_batch_answers_as_its_rows(model):
  queries = ["p3", "", "P9"]
  whole = model.predict("recommend", inputs(3, query=queries))
  assert tf.executing_eagerly()
  for row, query in enumerate(queries):
    alone = model.predict("recommend", inputs(1, query=[query]))
    for name, value in alone.items():
      np.testing.assert_array_equal(value[0], whole[name][row])


def test_four_threads_get_what_one_gets(model):
  asked = [inputs(1 + i % 3, query=[f"p{i % 10}"] * (1 + i % 3)) for i in range(40)]
  alone = [model.predict("recommend", a) for a in asked]
  with concurrent.futures.ThreadPoolExecutor(4) as threads:
    together = list(threads.map(lambda a: model.predict("recommend", a), asked))
  for one, other in zip(alone, together):
    assert one.keys() == other.keys()
    for name in one:
      np.testing.assert_array_equal(one[name], other[name])


def test_a_fresh_process_serves_a_moved_folder_with_nothing_that_trains(copy, tmp_path):
  moved = shutil.move(copy.parent, tmp_path / "elsewhere")
  env = os.environ | {"PYTHONPATH": os.getcwd()}
  env.pop("TF_USE_LEGACY_KERAS")
  done = subprocess.run([sys.executable, "-c", FRESH, moved], capture_output=True, text=True, env=env)
  assert done.returncode == 0, done.stderr[-2000:]
  assert done.stdout == "p7\n"
  assert "deprecated" not in done.stderr


@pytest.mark.parametrize(
  ("folders", "newest"),
  [
    (["1", "2", "10"], "10"),
    (["3", "0012"], "0012"),
    (["1", ".2.abc.aside", "notes", "1_000", "-5", "²"], "1"),
  ],
)
def test_newest_version_is_the_highest_number(tmp_path, folders, newest):
  for name in folders:
    (tmp_path / name).mkdir()
  (tmp_path / "77").write_text("a file is no version")
  assert newest_version(tmp_path) == tmp_path / newest


def test_a_version_folder_is_itself(shop):
  assert newest_version(shop / "1") == shop / "1"


def test_the_newest_of_two_versions_answers(shop, copy):
  shutil.copytree(shop / "1", copy.parent / "2")
  with load(copy.parent) as model:
    assert model.name == "shop/2"


def damaged(copy, how):
  pb, variables = copy / "saved_model.pb", copy / "variables"
  if how == "cut":
    pb.write_bytes(pb.read_bytes()[:1000])
  elif how == "values cut":
    data = next(variables.glob("*.data*"))
    data.write_bytes(data.read_bytes()[:3])
  elif how == "no tag":
    pb.write_bytes(pb.read_bytes().replace(b"\x22\x05serve", b"\x22\x05train"))
  elif how == "op":
    pb.write_bytes(pb.read_bytes().replace(b"CaseFoldUTF8", b"CaseFoldUTFX"))
  elif how == "no variables":
    shutil.rmtree(variables)
  elif how == "no graph":
    pb.unlink()
  return copy


@pytest.mark.parametrize(
  ("how", "words"),
  [
    ("cut", ["is damaged", "export it again"]),
    ("values cut", ["does not load", "export it again"]),
    ("no tag", ["tagged 'serve'", "train"]),
    ("op", ["'CaseFoldUTFX'", "tfrec-combo doctor"]),
    ("no variables", ["variables/variables.index", "copy the whole folder"]),
    ("no graph", ["must hold a version", "tfrec-combo export"]),
  ],
)
def test_a_damaged_model_says_what_is_wrong_and_the_way_out(copy, how, words):
  with pytest.raises(ModelError) as e:
    load(damaged(copy, how))
  for word in [str(copy), *words] if how != "op" else words:
    assert word in str(e.value)
  assert "\n" not in str(e.value)


def test_no_folder_and_no_version(tmp_path):
  with pytest.raises(ModelError, match=r"must name a folder.*tfrec-combo export"):
    load(tmp_path / "nowhere")
  with pytest.raises(ModelError, match=r"must hold a version.*tfrec-combo export"):
    load(tmp_path)


def test_a_missing_op_library_names_the_op_and_what_to_install(copy, monkeypatch):
  def missing(name):
    raise StackError("tensorflow_text needs tensorflow-text 2.20.1, got not installed; run `pip install it`")

  monkeypatch.setattr(op_libraries.stack, "load", missing)
  with pytest.raises(ModelError, match=r"'CaseFoldUTFX'.*run `pip install it`"):
    load(damaged(copy, "op"))


@pytest.mark.parametrize(
  ("change", "words"),
  [
    ({"query": None}, "query must be given.*query string \\[B\\]"),
    ({"qeury": [""]}, "qeury is no input of this signature"),
    ({"history_days": [["x"] * H]}, "history_days must be float32 \\[B, 4\\]"),
    ({"history_days": [[1.0]]}, "history_days must be float32 \\[B, 4\\], got 'shape \\[1, 1\\]'"),
    ({"history_ids": [["p1"]]}, "history_ids must be string \\[B, 4\\]"),
    ({"history_ids": [["p1"], ["p1", "p2"]]}, "history_ids must be string \\[B, 4\\]"),
    ({"query": ""}, "query must be string \\[B\\], got 'shape \\[\\]'"),
    ({"query": ["a", "b"]}, "query must have the 1 rows of basket_ids, got 2"),
    ({"query": [17]}, "query must be string \\[B\\], got 17"),
  ],
)
def test_wrong_inputs_name_the_argument(model, change, words):
  asked = {name: value for name, value in (inputs(1) | change).items() if value is not None}
  with pytest.raises(DataError, match=words):
    model.predict("recommend", asked)


def test_a_float_is_no_set_size(model):
  asked = Batcher(model.signature("combine"))([Request()]) | {"size_min": np.array([2.5])}
  with pytest.raises(DataError, match="size_min must be int32"):
    model.predict("combine", asked)


def test_what_the_graph_refuses_is_a_data_error(model):
  with pytest.raises(DataError, match="query too long"):
    model.predict("embed_queries", inputs(1, query=["longer than seven"]))


def test_an_unknown_signature_lists_the_known(model):
  with pytest.raises(DataError, match=r"got 'rcommend'.*combine, complete_basket"):
    model.predict("rcommend", inputs(1))


def test_a_closed_model_says_so(shop):
  model = load(shop)
  model.close()
  model.close()
  with pytest.raises(ModelError, match="load it again"):
    model.predict("recommend", inputs(1))
