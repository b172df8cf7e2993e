"""Two indexes of one SavedModel answer with their own products, wherever they are loaded."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.index import ExactIndex
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex

_SESSION = """
import json, sys
import tensorflow as tf
from scann.scann_ops.py import scann_ops
folder, queries = sys.argv[1], json.loads(sys.argv[2])
answers = {}
with tf.compat.v1.Session(graph=tf.Graph()) as session:
  model = tf.compat.v1.saved_model.load(session, ["serve"], folder)
  for name in ("one", "two", "one"):
    s = model.signature_def[name]
    ids = session.run(s.outputs["ids"].name, {s.inputs["queries"].name: queries})
    answers.setdefault(name, []).append([[x.decode() for x in row] for row in ids])
assert not [m for m in sys.modules if m.startswith(("tfrec_combo", "tensorflow_recommenders"))]
print(json.dumps(answers))
"""


KINDS = {"exact": ExactIndex, "scann": ScannIndex, "portable": lambda: PortableIndex(100, leaves_share=1)}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_index_of_a_saved_model_answers_with_its_own(kind, tmp_path):
  vectors = {name: makers.unit(400, 8, seed=seed) for name, seed in (("one", 0), ("two", 1))}
  module = tf.Module()
  signatures = {}
  for name, values in vectors.items():
    index = kind().build(values, [f"{name}-{i}" for i in range(400)])
    setattr(module, name, index)
    signatures[name] = tf.function(
      lambda queries, index=index: dict(zip(("scores", "ids"), index.lookup(queries, 3))),
      input_signature=[tf.TensorSpec([None, 8], name="queries")],
    ).get_concrete_function()
  options = tf.saved_model.SaveOptions(namespace_whitelist=["Scann"])
  tf.saved_model.save(module, str(tmp_path / "1"), signatures=signatures, options=options)
  (tmp_path / "1").rename(tmp_path / "moved")

  queries = makers.unit(5, 8, seed=2)
  exact = {name: np.argsort(-(queries @ values.T), axis=1)[:, :3] for name, values in vectors.items()}
  expected = {name: [[f"{name}-{i}" for i in row] for row in rows] for name, rows in exact.items()}

  loaded = tf.saved_model.load(str(tmp_path / "moved"))
  for name in ("two", "one", "two"):
    found = loaded.signatures[name](queries=tf.constant(queries))
    assert [[x.decode() for x in row] for row in found["ids"].numpy()] == expected[name]
    np.testing.assert_allclose(
      found["scores"], -np.sort(-(queries @ vectors[name].T), axis=1)[:, :3], atol=1e-5
    )

  command = [sys.executable, "-c", _SESSION, str(tmp_path / "moved"), json.dumps(queries.tolist())]
  plain = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
  done = subprocess.run(command, capture_output=True, text=True, env=plain, check=False)
  assert done.returncode == 0, done.stderr[-2000:]
  assert json.loads(done.stdout) == {"one": [expected["one"]] * 2, "two": [expected["two"]]}
