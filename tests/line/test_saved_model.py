"""What lies in the exported folder, and that it answers where nothing of this package is."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.base.serving import unrestored
from tests.line.shop import SETTINGS
from tfrec_combo.base import files, presets, stack
from tfrec_combo.serving.model import newest_version

_REPLAY = """
import json, pathlib, sys
import numpy as np, tensorflow as tf, tensorflow_text, scann
folder = pathlib.Path(sys.argv[1])
worst = {}
with tf.compat.v1.Session(graph=tf.Graph()) as session:
  signatures = tf.compat.v1.saved_model.load(session, ["serve"], str(folder)).signature_def
  for path in sorted((folder / "assets.extra" / "golden").glob("*.npz")):
    arrays = dict(np.load(path))
    s = signatures[path.stem]
    objects = lambda v: v.astype(object) if v.dtype.kind == "S" else v
    feeds = {s.inputs[k[3:]].name: objects(v) for k, v in arrays.items() if k.startswith("in:")}
    wanted = {k[4:]: v for k, v in arrays.items() if k.startswith("out:")}
    got = session.run({k: s.outputs[k].name for k in wanted}, feeds)
    strings = {k: bool((objects(v) == got[k]).all()) for k, v in wanted.items() if v.dtype.kind == "S"}
    numbers = {k: float(np.abs(v - got[k]).max()) for k, v in wanted.items() if v.dtype.kind != "S"}
    worst[path.stem] = [strings, numbers]
loaded = {m.split(".")[0] for m in sys.modules}
assert not loaded & {"tfrec_combo", "keras_nlp", "keras_hub", "tensorflow_recommenders"}
print(json.dumps(worst))
"""

E = SETTINGS["export"]
REQUEST = {
  "history_ids": (None, E["history"]),
  "history_days": (None, E["history"]),
  "basket_ids": (None, E["basket"]),
  "query": (None,),
  "context": (None,),
  "exclude_ids": (None, E["exclude"]),
}
TRADED = {"diversity": (None,), "novelty": (None,)}
PRODUCTS = {"product_ids": (None, E["k"]), "scores": (None, E["k"]), "prices": (None, E["k"])}
TOLD = ("reasons", "goes_with_ids", "bought_together")
GOES_WITH = {name: (None, E["k"]) for name in TOLD}
WISHES = {name: (None,) for name in ("size_min", "size_max", "budget", "one_per_category", "diversity")}
WISHES |= {"must_include_ids": (None, 4), "allowed_categories": (None, 8), "in_stock_ids": (None, 256)}
SETS = {name: (None, 5, 4) for name in ("set_ids", "set_prices", "contributions", *TOLD)}
SETS |= {"totals": (None, 5), "set_scores": (None, 5), "status": (None,)}
SCORED = {
  "set_scores": (None, 16),
  "contributions": (None, 16, 16),
  "totals": (None, 16),
  "unknown": (None, 16),
}
VECTORS = {"vectors": (None, SETTINGS["towers"]["dim"])}
SIGNATURES = {
  "serving_default": (REQUEST | TRADED, PRODUCTS),
  "recommend": (REQUEST | TRADED, PRODUCTS),
  "complete_basket": (REQUEST | TRADED, PRODUCTS | GOES_WITH),
  "combine": (REQUEST | WISHES, SETS),
  "rank_bundles": (REQUEST | {"set_ids": (None, 16, 16)}, SCORED),
  "embed_products": ({"text": (None,), "category": (None,), "price": (None,)}, VECTORS),
  "embed_queries": (REQUEST, VECTORS),
  "recommend_bundles": (
    {
      "history_ids": (None, E["history"]),
      "basket_ids": (None, E["basket"]),
      "bundle_history_ids": (None, 64),
      "exclude_bundle_ids": (None, E["exclude"]),
    },
    {"bundle_ids": (None, E["k"]), "scores": (None, E["k"])},
  ),
}
STRINGS = {
  *("history_ids", "basket_ids", "exclude_ids", "query", "context", "text", "category"),
  *("product_ids", "goes_with_ids", "set_ids", "bundle_history_ids", "exclude_bundle_ids", "bundle_ids"),
  *("reasons", "status", "must_include_ids", "allowed_categories", "in_stock_ids"),
}
NUMBERS = {"size_min", "size_max", "one_per_category", "unknown"}


@pytest.fixture(scope="module")
def saved(line):
  """The parsed saved_model.pb."""
  stack.load("tf")
  from tensorflow.core.protobuf import saved_model_pb2

  return saved_model_pb2.SavedModel.FromString((line.version / "saved_model.pb").read_bytes()).meta_graphs[0]


def nodes(graph):
  yield from graph.graph_def.node
  for function in graph.graph_def.library.function:
    yield from function.node_def


def test_one_function_under_two_names_is_one_graph_to_whoever_loads_it(saved):
  by_name = saved.signature_def
  assert by_name["serving_default"] == by_name["recommend"]
  feeds = {tuple(sorted(t.name for t in by_name[name].inputs.values())) for name in SIGNATURES}
  assert len(feeds) == len(SIGNATURES) - 1


def test_it_serves_from_another_folder_where_only_its_op_libraries_are(line, tmp_path):
  moved = shutil.copytree(line.version, tmp_path / "elsewhere" / "7", copy_function=os.link)
  environment = {k: v for k, v in os.environ.items() if k not in ("TF_USE_LEGACY_KERAS", "PYTHONPATH")}
  command = [sys.executable, "-c", _REPLAY, str(moved)]
  done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
  assert done.returncode == 0, done.stderr[-2000:]
  answers = json.loads(done.stdout.splitlines()[-1])
  assert answers.keys() == SIGNATURES.keys()
  for name, (strings, numbers) in answers.items():
    assert all(strings.values()), name
    assert all(difference < 1e-4 for difference in numbers.values()), (name, numbers)


def test_signatures_are_those_of_the_design(served):
  found = {
    name: tuple({k: spec.shape for k, spec in part.items()} for part in (s.inputs, s.outputs))
    for name, s in served.signatures.items()
  }
  assert found == SIGNATURES
  for name, s in served.signatures.items():
    for key, spec in {**s.inputs, **s.outputs}.items():
      assert (spec.dtype == object) == (key in STRINGS), (name, key)
      assert key in STRINGS or spec.dtype == (np.int32 if key in NUMBERS else np.float32)


def test_every_variable_is_restored_and_there_is_one_copy_of_bert(line):
  assert unrestored(line.version) == set()
  folder = presets.resolve("all-minilm-l6-v2")
  bert = os.path.getsize(os.path.join(folder, "model.safetensors"))
  held = sum(p.stat().st_size for p in (line.version / "variables").iterdir())
  assert 0.9 * bert < held < 1.05 * bert


def test_no_keras_object_is_in_it(saved):
  kinds = {n.user_object.identifier for n in saved.object_graph_def.nodes if n.HasField("user_object")}
  assert not [kind for kind in kinds if "keras" in kind]
  assert not (
    saved.object_graph_def.nodes[0].children and "keras_api" in str(saved.object_graph_def.nodes[0])
  )


def test_ops_are_those_that_servers_have(saved):
  # Of tensorflow-text: what lower-cases, splits and looks up word pieces. Its RoundRobinTrim is absent from older servers.
  found = {n.op for n in nodes(saved)}
  text = {"CaseFoldUTF8", "NormalizeUTF8", "RegexSplitWithOffsets", "FastWordpieceTokenizeWithOffsets"}
  assert text <= found
  assert {op for op in found if ">" in op} == {"Scann>TensorsToScann", "Scann>ScannSearchBatched"}
  assert not [op for op in found if "RoundRobin" in op or "PyFunc" in op]


def test_searchers_have_names_of_their_own(saved):
  made = [n for n in nodes(saved) if n.op == "Scann>TensorsToScann"]
  assert made, {n.op for n in nodes(saved) if "cann" in n.op}
  assert all(n.attr["shared_name"].s for n in made)
  # Each signature makes the one searcher of the one index.
  assert len({n.attr["shared_name"].s for n in made}) == 1


def test_the_manifest_tells_what_it_was_made_from(line):
  manifest = files.read_json(line.version / "manifest.json")
  assert manifest["config"]["name"] == "shop"
  assert manifest["products"] == 120
  sums = files.checksums(line.version)
  del sums["manifest.json"]
  assert manifest["files"] == sums
  assert newest_version(line.version.parent) == line.version
