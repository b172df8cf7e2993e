import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.records import small
from tfrec_combo.base import files
from tfrec_combo.base.config import parse
from tfrec_combo.base.errors import DataError
from tfrec_combo.base.schema import DECISION, PRODUCT
from tfrec_combo.base.stack import tf, tfds
from tfrec_combo.records import builder, codec, manifest

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = parse({"data": {"source": "synthetic"}, "records": {"history": 16, "basket": 5, "shards": 3}})
SIZES = {"train": 20, "rank": 2, "valid": 1}  # fewer than shards in two, none in the test split


@pytest.fixture(scope="module")
def written(tmp_path_factory):
  folder = tmp_path_factory.mktemp("shop") / "records"
  calls = []
  builder.write(small.decisions(SIZES), CONFIG, folder, progress=lambda *call: calls.append(call))
  return folder, calls


def _records(folder, split):
  paths = sorted(str(p) for p in folder.rglob(f"*-{split}.tfrecord-*"))
  return list(tf.data.TFRecordDataset(paths).as_numpy_iterator())


def test_manifest_says_what_is_there(written):
  folder, calls = written
  got = manifest.read_manifest(folder)
  assert got.counts == {"train": 20, "rank": 2, "valid": 1, "test": 0, "products": 30}
  assert got.left_out == ["test"]
  assert (got.history, got.basket) == (16, 5)
  assert {p: e["sha256"] for p, e in got.files.items()} | {
    "manifest.json": files.sha256(folder / "manifest.json")
  } == (files.checksums(folder))
  assert calls[-1] == (53, 53)


@pytest.mark.parametrize(
  ("split", "shards"), [("train", 3), ("rank", 2), ("valid", 1), ("test", 0), ("products", 1)]
)
def test_shards_hold_exactly_the_examples(written, split, shards):
  folder, _ = written
  paths = list(folder.rglob(f"*-{split}.tfrecord-*"))
  assert len(paths) == shards
  assert all(p.stat().st_size for p in paths)
  shop = small.decisions(SIZES)
  if split == "products":
    wanted = [
      codec.encode(codec.of_product(i, p), PRODUCT)
      for i, p in enumerate(shop.catalogue.iter_rows(named=True))
    ]
  else:
    examples = (codec.of_decision(d, history=16, basket=5, products=30) for d in shop.of(split))
    wanted = [codec.encode(example, DECISION) for example in examples]
  assert sorted(_records(folder, split)) == sorted(wanted)


@pytest.mark.parametrize(
  ("name", "split"), [("decisions", "train"), ("decisions", "valid"), ("products", "products")]
)
def test_tfds_reads_what_plain_tensorflow_reads(written, name, split):
  folder, _ = written
  features = {"decisions": DECISION, "products": PRODUCT}[name]
  loaded = list(tfds.load(f"shop_records/{name}", data_dir=str(folder), split=split).as_numpy_iterator())
  by_folder = tfds.builder_from_directory(str(folder / "shop_records" / name / "1.0.0")).as_dataset(
    split=split
  )
  for examples in (loaded, list(by_folder.as_numpy_iterator())):
    assert len(examples) == len(_records(folder, split))
    for got, record in zip(examples, _records(folder, split), strict=True):
      wanted = codec.decode(record, features)
      assert got.keys() == wanted.keys()
      for key, value in wanted.items():
        np.testing.assert_array_equal(got[key].decode() if isinstance(value, str) else got[key], value)


def test_no_user_is_written(written):
  folder, _ = written
  assert not [p for p in folder.rglob("*") if p.is_file() and b"secret-user" in p.read_bytes()]


def test_a_broken_decision_leaves_the_good_folder(written, tmp_path):
  folder = tmp_path / "records"
  shutil.copytree(written[0], folder)
  shop = small.decisions({"train": 3})
  shop.line_products[:] = 30  # no row of the catalogue
  with pytest.raises(DataError, match="must be rows below 30"):
    builder.write(shop, CONFIG, folder)
  assert files.checksums(folder) == files.checksums(written[0])
  assert [p.name for p in tmp_path.iterdir()] == ["records"]


CHILD = """
import sys, time
from tests.records import small, test_builder
from tfrec_combo.records import builder
folder = sys.argv[1]
builder.write(small.decisions(test_builder.SIZES), test_builder.CONFIG, folder)
print("whole", flush=True)
def slow(done, total):
  print("half", flush=True)
  time.sleep(600)
builder.write(small.decisions({"train": 1500}), test_builder.CONFIG, folder, progress=slow)
"""


def test_another_process_gives_the_same_bytes_and_killed_it_harms_nothing(written, tmp_path):
  folder = tmp_path / "records"
  command = [sys.executable, "-c", CHILD, str(folder)]
  with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
    try:
      assert [child.stdout.readline(), child.stdout.readline()] == ["whole\n", "half\n"]
    finally:
      os.kill(child.pid, signal.SIGKILL)
  assert len(list(tmp_path.iterdir())) == 2  # the good folder, and what was being written aside
  assert files.checksums(folder) == files.checksums(written[0])
  manifest.verify(folder)

  builder.write(small.decisions({"train": 4}), CONFIG, folder)
  assert manifest.read_manifest(folder).counts["train"] == 4
  assert [p.name for p in tmp_path.iterdir()] == ["records"]
