"""Each check of the exporter passes the good model and tells the one that breaks its rule, with the way out."""

import re
import shutil

import numpy as np
import pytest

from tests.export import bad
from tfrec_combo.base import files, manifest, saved_model
from tfrec_combo.base.errors import ModelError
from tfrec_combo.base.stack import tf
from tfrec_combo.export.checks import STATIC, check_graph, op_sets, ops
from tfrec_combo.serving import golden, model, warmup

X = np.array([[1, 2], [3, 4], [5, 6]], np.float32)

BAD = {
  "ragged": (bad.ragged, None, "signatures", "output y must be a dense tensor, got .*to_tensor"),
  "scalar": (bad.total, None, "signatures", r"output y must have rank 1 or more, got 0; .*\[B, ...\]"),
  "one row": (bad.twice, bad.spec(1, 2), "signatures", r"input x must be open in dimension 0.*got \[1, 2\]"),
  "open": (bad.twice, bad.spec(None, None), "signatures", r"must be fixed in every dimension but the first"),
  "python": (
    bad.called_back,
    None,
    "ops",
    "ops must be those of .*got '(Eager)?PyFunc'; write .* in TensorFlow ops",
  ),
  "gpu": (bad.on_a_gpu, None, "devices", "must be empty or CPU:0, got '/device:GPU:0'; trace outside"),
}


def graph(folder):
  return saved_model.meta_graph(folder)


def test_the_good_model_passes_every_check(tmp_path):
  check_graph(graph(bad.saved(tmp_path / "m", {"serving_default": bad.twice})))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_graph_is_told_with_the_way_out(tmp_path, name):
  function, specs, check, message = BAD[name]
  found = graph(bad.saved(tmp_path / "m", {"serving_default": function}, specs))
  with pytest.raises(ModelError, match=message):
    STATIC[check](found)
  for other in STATIC.keys() - {check}:
    STATIC[other](found)


def test_what_only_xla_runs_is_told(tmp_path):
  found = graph(bad.saved(tmp_path / "m", {"serving_default": lambda x: bad.compiled(x)}))
  with pytest.raises(ModelError, match=r"must run without XLA.*jit_compile"):
    check_graph(found)


def test_a_keras_object_on_the_module_is_told_where_python_forgives_it(tmp_path):
  folder = bad.keras_copy(tmp_path / "m")
  assert tf.saved_model.load(str(folder)).signatures["serving_default"](tf.constant(X))["y"].shape == (3, 2)
  with pytest.raises(
    ModelError, match=r"variables must all be restored, got '.*kernel.*hold the raw variables"
  ):
    STATIC["variables"](graph(folder))
  with model.load(folder) as served, pytest.raises(ModelError, match="cannot answer"):
    served.predict("serving_default", {"x": X})


@pytest.mark.parametrize(
  ("name", "message"),
  [
    ("", "must have a shared_name, got 'none'; .*uuid"),
    ("one", "shared_name one must be the searcher's of one"),
  ],
)
def test_indexes_that_would_answer_for_each_other_are_told(tmp_path, name, message):
  with pytest.raises(ModelError, match=message):
    STATIC["searchers"](graph(bad.searchers(tmp_path / "m", name)))


def test_searchers_of_their_own_pass_and_need_a_server_with_scann(tmp_path):
  found = graph(bad.searchers(tmp_path / "m", "own"))
  check_graph(found)
  with pytest.raises(ModelError, match=r"'Scann>Scann.*--flavour portable"):
    ops.check_for(ops.FLAVOURS["portable"])(found)


def test_the_trimmer_is_told_for_old_servers_alone(tmp_path):
  found = graph(bad.saved(tmp_path / "m", {"serving_default": bad.trimmed}))
  lacking = ops.missing(saved_model.ops(found))
  assert lacking["TF Serving 2.20"] == set()
  assert lacking["TF Serving 2.19"] == {"TFText>RoundRobinTrim"}
  with pytest.raises(ModelError, match="waterfall"):
    ops.check_for("TF Serving 2.19")(found)


def test_the_list_of_ops_is_that_of_the_installed_libraries():
  from tfrec_combo.base import stack

  stack.load("tf_text"), stack.load("scann_ops")
  known = tf.Graph()
  for op in op_sets.TEXT | op_sets.SCANN | op_sets.PYTHON:
    if op != "RougeL":  # of the metrics, which are loaded apart
      known.op_def_for_type(op)
  lacking = ops.missing({"MatMul", "ResourceGather", "NoSuchOp"})
  assert set(map(frozenset, lacking.values())) == {frozenset({"NoSuchOp"})}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
  functions = {"serving_default": bad.twice, "other": bad.twice}
  return bad.with_requests(tmp_path_factory.mktemp("good") / "1", functions, X)


@pytest.fixture
def copy(good, tmp_path):
  return shutil.copytree(good, tmp_path / "1")


def test_the_good_model_replays(good):
  assert golden.replay(good) == {"serving_default": 0, "other": 0}
  with model.load(good) as served:
    assert warmup.replay(served) == 4


@pytest.mark.parametrize(
  ("function", "message"),
  [
    (bad.of_the_batch, r"serving_default\.y differs by 2\.0 .*rows of a batch must not know of each other"),
    (bad.no_text, "output y must be UTF-8: .*_bytes"),
    (lambda x: {"y": tf.concat([x, x], 0)}, r"output y must have the 3 rows asked, got \(6, 2\)"),
  ],
)
def test_answers_that_a_server_would_spoil_are_told(tmp_path, function, message):
  with pytest.raises(ModelError, match=message):
    golden.replay(bad.with_requests(tmp_path / "1", {"serving_default": function}, X))


def test_a_default_that_is_not_repeated_in_the_graph_is_told(tmp_path):
  # TF Serving feeds the default as it stands: with rows enough it would be the first row's alone.
  usual = tf.constant([3.0])

  def weighed(x, w=usual):
    return {
      "y": tf.concat([x[:1] * w[0], x[1:] * (tf.reduce_sum(w) / tf.cast(tf.shape(x)[0], tf.float32))], 0)
    }

  folder = tmp_path / "1"
  call = tf.function(
    weighed, input_signature=[*bad.spec(None, 2).values(), tf.TensorSpec([None], tf.float32, "w")]
  )
  tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_default": call})
  (folder / "assets.extra").mkdir()
  asked = {"serving_default": {"x": X}}
  golden_of = {"serving_default": lambda x: weighed(x, tf.fill([3], 3.0))}
  bad.write_golden(folder / "assets.extra", golden_of, asked)
  with pytest.raises(ModelError, match=r"y differs by .* from what it was (in a batch|where each row said)"):
    golden.replay(folder)


def write(folder, records):
  with tf.io.TFRecordWriter(str(folder / warmup.FILE)) as out:
    for record in records:
      out.write(record)


def records(folder):
  return list(tf.data.TFRecordDataset(str(folder / warmup.FILE)).as_numpy_iterator())


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda r: r[:2], "must ask every signature, got 'none of other'"),
    (lambda r: r * 251, "must hold at most 1000 requests, got 1004"),
    (lambda r: [*r, b"\xff\xff"], "cannot be read: .*export the model again"),
    (lambda r: [*r, r[0].replace(b"serving_default", b"serving_defaulX")], "record 5 fails.*serving_defaulX"),
    (lambda r: [b""], "must hold predictions, got None"),
  ],
)
def test_a_warm_up_that_would_fail_the_load_is_told(copy, change, message):
  write(copy, change(records(copy)))
  with model.load(copy) as served, pytest.raises(ModelError, match=message):
    warmup.replay(served)


def test_a_cut_warm_up_file_is_told(copy):
  path = copy / warmup.FILE
  path.write_bytes(path.read_bytes()[:-3])
  with model.load(copy) as served, pytest.raises(ModelError, match="cannot be read"):
    warmup.replay(served)


@pytest.mark.parametrize("form", [None, 0, manifest.FORMAT + 1, "1"])
def test_a_manifest_of_another_form_is_refused_at_load(copy, form):
  files.write_json(copy / manifest.MANIFEST, {"format": form, "tfrec_combo": "9.1"})
  words = rf"format must be 1 to {manifest.FORMAT}, got {re.escape(repr(form))}; install tfrec-combo 9.1"
  with pytest.raises(ModelError, match=words):
    model.load(copy)


def test_a_manifest_that_is_cut_is_refused_and_one_of_the_first_form_loads(copy):
  (copy / manifest.MANIFEST).write_text('{"format": 1, ')
  with pytest.raises(ModelError, match="cannot be read"):
    model.load(copy)
  files.write_json(copy / manifest.MANIFEST, {"format": 1})
  model.load(copy).close()


def test_verify_finds_a_changed_and_a_missing_file(copy):
  files.write_json(copy / manifest.MANIFEST, {"format": 2, "files": files.checksums(copy)})
  manifest.verify(copy)
  (copy / warmup.FILE).write_bytes(b"other")
  with pytest.raises(ModelError, match="tf_serving_warmup_requests must have the checksum"):
    manifest.verify(copy)
  (copy / warmup.FILE).unlink()
  with pytest.raises(ModelError, match=r"must hold assets.extra/tf_serving_warmup_requests"):
    manifest.verify(copy)
