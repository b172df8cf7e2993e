"""Many texts encoded once: order, what a rerun encodes, what a killed run leaves."""

import logging
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.towers.tiny_bert import tiny_bert
from tfrec_combo.base.settings import Text
from tfrec_combo.base.stack import tf
from tfrec_combo.towers import text_cache
from tfrec_combo.towers.text import TextTower

TEXTS = [
  "tent",
  "camera with a tripod",
  "",
  "milk",
  "tent",
  "yoghurt, the kids trip",
  "a b c d e f g h i j k l m n",
]
DISTINCT = 6
SMALL_STEPS = settings(
  max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
  return tiny_bert(tmp_path_factory.mktemp("preset"))


@pytest.fixture(scope="module")
def tower(preset):
  return TextTower(Text(preset=preset, tokens=12, batch=2))


def encoded(tower, texts, folder):
  """Vectors, and the distinct texts that were already there and all of them, as the progress told."""
  calls = []
  vectors = text_cache.encode_all(tower, texts, folder, lambda *counts: calls.append(counts))
  assert calls[-1] == (calls[0][1], calls[0][1])
  assert calls == sorted(calls)
  return vectors, calls[0]


def test_order_repeats_and_the_empty_text(tower, tmp_path):
  vectors, counts = encoded(tower, TEXTS, tmp_path)
  assert counts == (0, DISTINCT)
  np.testing.assert_allclose(vectors, tower.encode(tf.constant(TEXTS)), atol=1e-5)
  np.testing.assert_array_equal(vectors[0], vectors[4])
  np.testing.assert_array_equal(vectors[2], np.zeros(32))


def test_a_rerun_encodes_what_is_new_alone(tower, tmp_path, monkeypatch):
  first, _ = encoded(tower, TEXTS, tmp_path)
  more, counts = encoded(tower, ["lens", *TEXTS], tmp_path)
  assert counts == (DISTINCT, DISTINCT + 1)
  np.testing.assert_array_equal(more[1:], first)
  monkeypatch.setattr(tower, "tokenize_counted", None)  # a call would fail
  again, counts = encoded(tower, [*TEXTS[::-1], "lens"], tmp_path)
  assert counts == (DISTINCT + 1, DISTINCT + 1)
  np.testing.assert_array_equal(again, np.concatenate([first[::-1], more[:1]]))


def test_compiled_steps_give_the_vectors_of_plain_ones(tower, monkeypatch):
  many = [" ".join(text.split()[:size]) for text in TEXTS for size in (1, 2, 5, 20)]
  plain = text_cache.encode_all(tower, many, None)
  monkeypatch.setattr(text_cache, "WORTH_COMPILING", 1)
  monkeypatch.setattr(text_cache, "_STEP", 24)  # steps of three and two texts: some are filled up
  called = []
  compiled = tower.compiled
  monkeypatch.setattr(tower, "compiled", lambda: called.append(1) or compiled())
  np.testing.assert_allclose(text_cache.encode_all(tower, many, None), plain, atol=1e-6)
  assert called
  assert not np.allclose(plain[0], plain[4])


def test_another_preset_or_token_length_finds_nothing(tower, preset, tmp_path_factory, tmp_path):
  encoded(tower, TEXTS, tmp_path)
  other = TextTower(Text(preset=tiny_bert(tmp_path_factory.mktemp("other"), seed=1), tokens=12))
  longer = TextTower(Text(preset=preset, tokens=13))
  for changed in (other, longer):
    vectors, counts = encoded(changed, TEXTS, tmp_path)
    assert counts == (0, DISTINCT)
    np.testing.assert_allclose(vectors, changed.encode(tf.constant(TEXTS)), atol=1e-5)
  assert encoded(tower, TEXTS, tmp_path)[1] == (DISTINCT, DISTINCT)


def test_texts_that_are_cut_are_counted_from_the_cache_too(tower, tmp_path, caplog):
  for _ in range(2):
    with caplog.at_level(logging.INFO, text_cache.__name__):
      text_cache.encode_all(tower, [*TEXTS, TEXTS[-1]], tmp_path)
    assert tower.texts_cut == 1
    assert "1 cut at 12 tokens" in caplog.messages[-1]
  text_cache.encode_all(tower, TEXTS[:2], tmp_path)
  assert tower.texts_cut == 0


def test_a_page_that_cannot_be_read_is_encoded_again(tower, tmp_path, caplog):
  expected, _ = encoded(tower, TEXTS, tmp_path)
  (page,) = tmp_path.rglob("*.npz")
  page.write_bytes(page.read_bytes()[:-100])
  for counts in ((0, DISTINCT), (DISTINCT, DISTINCT)):  # the broken page is replaced
    vectors, found = encoded(tower, TEXTS, tmp_path)
    assert found == counts
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
  assert caplog.text.count("cannot be read") == 1


def test_no_folder_keeps_nothing_and_a_folder_what_the_weights_of_now_made(preset, tmp_path):
  trained = TextTower(Text(preset=preset, mode="full", tokens=12))
  assert encoded(trained, TEXTS, tmp_path)[1] == (0, DISTINCT)
  before, counts = encoded(trained, TEXTS, tmp_path)
  assert counts == (DISTINCT, DISTINCT)
  trained.trainable_weights[0].assign_add(tf.random.normal(trained.trainable_weights[0].shape))
  for folder in (None, None, tmp_path):
    after, counts = encoded(trained, TEXTS, folder)
    assert counts == (0, DISTINCT)
    assert np.abs(after - before).max() > 0.01


def test_no_texts(tower, tmp_path):
  assert text_cache.encode_all(tower, [], tmp_path).shape == (0, 32)


@SMALL_STEPS
@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20), max_size=12))
def test_any_texts_in_any_order(tower, tmp_path, texts):
  vectors, _ = encoded(tower, texts, tmp_path)
  assert vectors.shape == (len(texts), 32)
  if texts:
    np.testing.assert_allclose(vectors, tower.encode(tf.constant(texts)), atol=1e-5)


_KILLED = """
import os, signal, sys
from tfrec_combo.base.settings import Text
from tfrec_combo.towers import text_cache
from tfrec_combo.towers.text import TextTower
text_cache._PAGE = 2
die = lambda done, total: os.kill(os.getpid(), signal.SIGKILL) if done == 5 else None
tower = TextTower(Text(preset=sys.argv[1], tokens=12, batch=1))
text_cache.encode_all(tower, ["tent", "milk stove", "lens", "trip a", "kids bb c"], sys.argv[2], die)
"""


def test_a_killed_run_leaves_what_it_had_written(tower, preset, tmp_path):
  done = subprocess.run(
    [sys.executable, "-c", _KILLED, preset, str(tmp_path)],
    capture_output=True,
    text=True,
    cwd=pathlib.Path(__file__).parents[2],
    check=False,
  )
  assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
  texts = ["tent", "milk stove", "lens", "trip a", "kids bb c"]
  vectors, counts = encoded(tower, texts, tmp_path)
  assert counts == (4, 5)  # two pages of two; the fifth text was encoded and not yet written
  np.testing.assert_allclose(vectors, tower.encode(tf.constant(texts)), atol=1e-5)
  assert encoded(tower, texts, tmp_path)[1] == (5, 5)
