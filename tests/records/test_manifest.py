import json
import os

import pytest

from tfrec_combo.base.config import Config, parse
from tfrec_combo.base.errors import DataError
from tfrec_combo.records import manifest


@pytest.fixture
def folder(tmp_path):
  (tmp_path / "a.tfrecord").write_bytes(b"abc")
  manifest.of_folder(tmp_path, key="k", history=4, basket=2, counts={"train": 1}, left_out=[])
  return tmp_path


def test_whole_and_of_this_key(folder):
  assert manifest.is_complete(folder, "k")
  assert not manifest.is_complete(folder, "other")
  assert not manifest.is_complete(folder / "none", "k")
  manifest.verify(folder)


def test_a_damaged_file_is_named(folder):
  (folder / "a.tfrecord").write_bytes(b"abd")
  with pytest.raises(DataError, match=r"a\.tfrecord must have the sha256"):
    manifest.verify(folder)
  (folder / "a.tfrecord").write_bytes(b"ab")
  assert not manifest.is_complete(folder, "k")
  (folder / "a.tfrecord").unlink()
  assert not manifest.is_complete(folder, "k")
  with pytest.raises(DataError, match="no such file"):
    manifest.verify(folder)


@pytest.mark.parametrize(
  ("change", "rule"),
  [({"schema": "9.0.0"}, "must be of schema"), ({"more": 1}, "of this version"), (None, "of this version")],
)
def test_another_format_is_refused(folder, change, rule):
  path = folder / manifest.NAME
  path.write_text("{" if change is None else json.dumps(json.loads(path.read_text()) | change))
  with pytest.raises(DataError, match=rule):
    manifest.read_manifest(folder)
  assert not manifest.is_complete(folder, "k")


def test_key_follows_what_the_records_are_made_from(tmp_path):
  events = tmp_path / "events.csv"
  events.write_text("a")
  values = {"data": {"source": "tables", "events": {"path": str(events)}}, "seed": 1}
  key = manifest.key(parse(values))
  assert manifest.key(parse(values | {"towers": {"dim": 8}})) == key
  assert manifest.key(parse(values | {"seed": 2})) != key  # baskets are drawn by it
  lenient = {"data": values["data"] | {"on_bad_row": "drop", "max_faults": 3}}
  assert manifest.key(parse(values | lenient)) == key
  assert manifest.key(parse(values | {"records": {"history": 7}})) != key
  assert manifest.key(parse(values | {"split": {"test_days": 7}})) != key
  os.utime(events, ns=(0, 0))
  assert manifest.key(parse(values)) != key
  made = [manifest.key(parse({"data": {"source": "synthetic"}, "seed": s})) for s in (1, 2)]
  assert made[0] != made[1]
  assert manifest.key(Config()) not in (*made, key)
