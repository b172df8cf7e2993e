"""The index contract, over its members."""

import json

import numpy as np
import pytest

from tests import makers
from tfrec_combo.base.errors import DataError
from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval.index import ExactIndex
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex

# Each searches everything at these settings, so each must answer like the matrix product.
MEMBERS = {
  "exact": ExactIndex,
  "scann": lambda: ScannIndex(leaves_share=1, reorder=5000),
  "portable": lambda: PortableIndex(exact_below=200, leaves_share=1),
}
SIZES = (1, 5, 300, 5000)  # of ScaNN: a point, brute force, hashing, a tree with hashing


@pytest.fixture(params=MEMBERS)
def make(request):
  return MEMBERS[request.param]


def ids(count, prefix="p"):
  return [f"{prefix}{i}" for i in range(count)]


def clustered(count, dim=16, clusters=50, seed=0):
  rng = np.random.default_rng(seed)
  values = makers.unit(clusters, dim, seed=seed)[rng.integers(0, clusters, count)]
  values = values + 0.1 * rng.normal(size=values.shape)
  return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_searching_everything_is_exact(make, size):
  vectors, queries = makers.unit(size, 8), makers.unit(7, 8, seed=1)
  index = make().build(vectors, ids(size, "ä-"))
  k = min(size, 20)
  expected = -np.sort(-(queries @ vectors.T), axis=1)[:, :k]
  scores, rows = index.search(tf.constant(queries), k)
  assert (scores.dtype, rows.dtype) == (tf.float32, tf.int32)
  np.testing.assert_allclose(scores, expected, atol=1e-5)
  np.testing.assert_allclose(np.take_along_axis(queries @ vectors.T, rows.numpy(), 1), expected, atol=1e-5)
  named = index.lookup(tf.constant(queries), k)
  np.testing.assert_array_equal(named[0], scores)
  assert [[x.decode() for x in row] for row in named[1].numpy()] == [
    [f"ä-{r}" for r in row] for row in rows.numpy()
  ]


@pytest.mark.parametrize("size", SIZES)
def test_more_asked_than_there_is_comes_padded(make, size):
  vectors = makers.unit(size, 8)
  index, k = make().build(vectors, ids(size)), size + 3
  scores, rows = index.search(tf.constant(vectors[:2]), k)
  assert scores.shape[1] == rows.shape[1] == k
  assert np.sort(rows[:, :size]).tolist() == [list(range(size))] * len(rows)
  assert (rows.numpy()[:, size:] == -1).all()
  assert np.isneginf(scores.numpy()[:, size:]).all()
  assert (index.lookup(tf.constant(vectors[:2]), k)[1].numpy()[:, size:] == b"").all()


@pytest.mark.parametrize("size", SIZES)
def test_building_again_forgets(make, size):
  vectors = makers.unit(size + 5, 8)
  index = make().build(vectors, ids(size + 5, "old"))
  index.lookup(tf.constant(vectors), 3)
  index.build(-vectors[:size], ids(size, "new"))
  found = index.lookup(tf.constant(-vectors[: min(size, 4)]), size)[1].numpy()
  assert found[:, 0].tolist() == [f"new{i}".encode() for i in range(min(size, 4))]
  assert all(name.startswith(b"new") for name in found.ravel())


def test_inside_a_graph_of_any_batch(make):
  index = make().build(makers.unit(300, 8), ids(300))
  search = tf.function(lambda q: index.search(q, 4), input_signature=[tf.TensorSpec([None, 8])])
  for batch in (0, 1, 6):
    queries = tf.constant(makers.unit(6, 8, seed=2)[:batch])
    for found, expected in zip(search(queries), index.search(queries, 4)):
      assert found.shape == (batch, 4)
      np.testing.assert_array_equal(found, expected)


def test_it_describes_itself_for_a_manifest(make):
  told = make().build(makers.unit(300, 8), ids(300)).describe()
  assert json.loads(json.dumps(told)) == told
  assert told["products"] == 300
  assert told["kind"] in ("exact", "scann", "partitions")


def test_an_index_trains_nothing(make):
  assert not make().build(makers.unit(300, 8), ids(300)).trainable_variables


BAD = {
  "ids must name each of the 3 vectors, got 2": (makers.unit(3, 4), ids(2)),
  "ids must be distinct, got '1 repeats'": (makers.unit(3, 4), ["a", "b", "a"]),
  r"vectors must be finite, got 'row 1'": (np.array([[0, 1], [np.nan, 0], [0, np.inf]]), ids(3)),
  r"vectors must be \[N, D\] with N > 0, got \(0, 4\)": (np.zeros([0, 4]), []),
  r"vectors must be \[N, D\] with N > 0, got \(3,\)": (np.zeros([3]), ids(3)),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_is_named(make, fault):
  with pytest.raises(DataError, match=fault):
    make().build(*BAD[fault])


def test_scann_finds_most_at_its_default_settings():
  vectors = clustered(5000)
  queries = tf.constant(clustered(200, seed=0) + vectors[:200])
  exact, fast = (
    index.build(vectors, ids(5000)).search(queries, 20)[1].numpy() for index in (ExactIndex(), ScannIndex())
  )
  recall = np.mean([len(set(a) & set(b)) / 20 for a, b in zip(exact, fast)])
  assert recall > 0.8


def test_scann_visits_few_partitions_and_pads_what_they_do_not_hold():
  vectors = clustered(5000)
  index = ScannIndex(leaves_share=0.02).build(vectors, ids(5000))
  for queries in (vectors[:1], vectors[:9]):
    scores, rows = (x.numpy() for x in index.search(tf.constant(queries), 2000))
    assert rows.shape == (len(queries), 2000)
    held = (rows >= 0).sum(axis=1)
    assert held.max() < 2000, "two partitions of seventy hold fewer"
    for row, score, n in zip(rows, scores, held):
      assert len(set(row[:n])) == n
      assert (row[n:] == -1).all()
      assert np.isneginf(score[n:]).all()
      assert np.isfinite(score[:n]).all()


def test_the_portable_index_finds_most_in_a_part_of_the_rows_and_each_row_for_itself():
  vectors, queries = clustered(5000), clustered(60, seed=0) + clustered(60)
  index = PortableIndex(exact_below=5000, leaves_share=0.1).build(vectors, ids(5000))
  assert index.work(20) < 0.4 * 5000
  scores, rows = (x.numpy() for x in index.search(tf.constant(queries), 20))
  best = ExactIndex().build(vectors, ids(5000)).search(tf.constant(queries), 20)[1].numpy()
  assert np.mean([len(set(a) & set(b)) / 20 for a, b in zip(rows, best)]) > 0.9
  np.testing.assert_allclose(scores, np.take_along_axis(queries @ vectors.T, rows, 1), atol=1e-5)
  alone = [index.search(tf.constant(queries[i : i + 1]), 20) for i in range(5)]
  np.testing.assert_array_equal(np.concatenate([a[0] for a in alone]), scores[:5])
  np.testing.assert_array_equal(np.concatenate([a[1] for a in alone]), rows[:5])


def test_the_portable_index_pads_what_its_partitions_do_not_hold():
  vectors = clustered(3000)
  index = PortableIndex(exact_below=10, leaves_share=0.01).build(vectors, ids(3000))
  scores, rows = (x.numpy() for x in index.search(tf.constant(vectors[:5]), 500))
  held = (rows >= 0).sum(axis=1)
  assert (held > 0).all()
  assert held.max() < 500
  for row, score, n in zip(rows, scores, held):
    assert len(set(row[:n])) == n
    assert (row[n:] == -1).all()
    assert np.isneginf(score[n:]).all()
