"""Presets: what is found, what identifies it, and what each fault says."""

import json
import pathlib
import shutil

import pytest

from tests.towers.tiny_bert import tiny_bert
from tfrec_combo.base.errors import ConfigError, StackError
from tfrec_combo.base.stack import keras_nlp
from tfrec_combo.towers import presets


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
  return tiny_bert(tmp_path_factory.mktemp("preset"))


@pytest.fixture
def copy(tiny, tmp_path):
  return pathlib.Path(shutil.copytree(tiny, tmp_path / "copy"))


def test_resolve(tiny, monkeypatch):
  assert presets.resolve(tiny) == tiny
  assert (pathlib.Path(presets.resolve("all-minilm-l6-v2")) / "model.safetensors").is_file()
  for name in ("bert_tiny_en_uncased", "hf://owner/model", "kaggle://keras/bert/keras/bert_base_en/3"):
    assert presets.resolve(name) == name
  monkeypatch.chdir(pathlib.Path(tiny).parent)
  assert presets.resolve(pathlib.Path(tiny).name) == tiny


@pytest.mark.parametrize(
  ("file", "content", "message"),
  [
    ("config.json", None, "without config.json"),
    ("config.json", "{", "config.json that can be read"),
    ("config.json", '{"model_type": "gpt2"}', "must hold a BERT, got .* with gpt2"),
    ("config.json", '{"model_type": "bert"}', "without vocab.txt"),
    ("tokenizer.json", None, "without tokenizer.json"),
    ("assets/tokenizer/vocabulary.txt", None, "without assets/tokenizer/vocabulary.txt"),
    ("model.weights.h5", None, "without model.weights.h5 or model.weights.json"),
    ("model.weights.h5", "nothing", r"keras-nlp can read \(.*all-minilm-l6-v2"),
  ],
)
def test_a_folder_that_is_not_whole(copy, file, content, message):
  (copy / file).unlink() if content is None else (copy / file).write_text(content)
  with pytest.raises(ConfigError, match=f"text.preset .*{message}"):
    presets.load(str(copy))


def test_a_name_that_nobody_knows():
  with pytest.raises(ConfigError, match=r"text.preset must be .*, got 'bert_huge'; .* all-minilm-l6-v2"):
    presets.resolve("bert_huge")


def test_a_hub_that_does_not_answer(monkeypatch):
  def fail(*args, **kwargs):
    raise OSError("no route to the hub")

  monkeypatch.setattr(keras_nlp.models.BertBackbone, "from_preset", fail)
  with pytest.raises(
    StackError, match=r"text.preset .*no route to the hub.*bert_tiny.*--no-deps.*local folder"
  ):
    presets.load("bert_tiny_en_uncased")


def test_fingerprint_follows_weights_vocabulary_and_config(tiny, copy):
  first = presets.fingerprint(tiny)
  assert presets.fingerprint(str(copy)) == first
  (copy / "README.md").write_text("not read by from_preset")
  assert presets.fingerprint(str(copy)) == first
  for name in ("model.weights.h5", "assets/tokenizer/vocabulary.txt", "tokenizer.json"):
    data = bytearray((copy / name).read_bytes())
    data[-2] ^= 1
    (copy / name).write_bytes(bytes(data))
    assert presets.fingerprint(str(copy)) != first
    shutil.copy(pathlib.Path(tiny) / name, copy / name)
  assert presets.fingerprint(str(copy)) == first


def test_fingerprint_of_a_hub_is_that_of_its_handle():
  names = ("bert_tiny_en_uncased", "bert_base_en", "hf://owner/a", "hf://owner/b")
  assert len({presets.fingerprint(name) for name in names}) == len(names)


@pytest.mark.parametrize(("settings", "strips"), [({}, True), ({"strip_accents": False}, False)])
def test_accents_are_stripped_unless_the_preset_says_otherwise(copy, settings, strips):
  (copy / "tokenizer_config.json").write_text(json.dumps(settings))
  assert presets.load(str(copy))[1].strip_accents == strips
