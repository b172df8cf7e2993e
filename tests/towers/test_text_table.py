"""Text vectors by product and by query, frozen and in training: one contract."""

import numpy as np
import pytest

from tests import makers
from tests.towers.tiny_bert import tiny_bert
from tfrec_combo.base.settings import Text
from tfrec_combo.base.stack import tf
from tfrec_combo.towers.text import TextTower
from tfrec_combo.towers.text_table import FrozenTexts, TrainedTexts

TEXTS = ["tent", "stove with kids", "tent", "", "camera lens"]
QUERIES = ("camera trip", "kids")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
  return TextTower(Text(preset=tiny_bert(tmp_path_factory.mktemp("bert")), mode="full", tokens=8))


@pytest.fixture(params=["frozen", "trained"])
def made(request, bert):
  if request.param == "trained":
    return TrainedTexts(bert, TEXTS)
  vectors = bert.encode(tf.constant([*TEXTS, *QUERIES])).numpy()
  return FrozenTexts(vectors[: len(TEXTS)], QUERIES, vectors[len(TEXTS) :])


def test_products_have_the_vectors_of_their_texts(made, bert):
  rows = tf.constant([4, 0, 2, 3, 0])
  expected = bert.encode(tf.constant([TEXTS[i] for i in rows]))
  np.testing.assert_allclose(made.of_products(rows), expected, atol=1e-5)
  assert made.width == 32
  assert not made.of_products(tf.constant([3])).numpy().any(), "no text, no vector"


@pytest.mark.parametrize("count", [1, 2, 7])  # fewer texts than buckets of lengths, and more
def test_training_sorts_texts_by_length_and_back(bert, count):
  texts = [" ".join(["tent"] * size) for size in (5, 1, 0, 6, 2, 4, 3)][:count]
  made, seen = TrainedTexts(bert, texts), []
  rows = tf.constant([*range(count), 0])
  with pytest.MonkeyPatch.context() as patched:
    plain = TextTower.call
    patched.setattr(
      TextTower, "call", lambda self, tokens, **k: seen.append(len(tokens)) or plain(self, tokens, **k)
    )
    trained = made.of_products(rows, training=True)
  np.testing.assert_allclose(trained, made.of_products(rows), atol=1e-5)
  assert sum(seen) == count
  assert max(seen) <= -(-count // 3)


def test_queries_have_the_vectors_of_their_texts(made, bert):
  queries = tf.constant(["kids", "", "camera trip", "kids"])
  found = made.of_queries(queries)
  np.testing.assert_allclose(found, bert.encode(queries), atol=1e-5)
  assert not found.numpy()[1].any()


def test_a_frozen_table_knows_the_queries_of_the_log_alone(bert):
  frozen = makers.texts(3, ("a",))
  np.testing.assert_array_equal(frozen.of_queries(tf.constant(["b", "a"])).numpy().any(axis=1), [False, True])
  bare = FrozenTexts(makers.unit(3, 4), (), np.zeros([0, 4]))
  assert not bare.of_queries(tf.constant(["a", ""])).numpy().any()
  assert not frozen.trainable_variables


def test_each_distinct_text_of_a_batch_is_encoded_once(bert, monkeypatch):
  made, seen = TrainedTexts(bert, TEXTS), []
  plain = TextTower.call
  monkeypatch.setattr(
    TextTower, "call", lambda self, tokens, **k: seen.append(len(tokens)) or plain(self, tokens, **k)
  )
  made.of_products(tf.constant([0, 2, 0, 4, 4]))
  made.of_queries(tf.constant(["kids", "kids", "tent"]))
  assert seen == [2, 2]


def test_the_bert_learns_through_the_table(bert):
  made = TrainedTexts(bert, TEXTS)
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(made.of_products(tf.constant([0, 2]), training=True)[:, 0])
  gradients = tape.gradient(loss, made.trainable_variables)
  assert len(gradients) > 10
  assert sum(float(tf.norm(tf.convert_to_tensor(g))) > 0 for g in gradients if g is not None) > 10
