import errno
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from tests.small_disk import filled, small_disk
from tfrec_combo.base import files
from tfrec_combo.base.stack import tf


def write(path, text):
  with files.written_aside(path) as aside:
    aside.write_text(text)


def write_folder(path, text):
  with files.written_aside(path) as aside:
    aside.mkdir()
    (aside / "part").write_text(text)


def names(folder):
  return sorted(p.name for p in folder.iterdir())


def test_a_file_and_a_folder_are_made_and_replaced(tmp_path):
  for text in ("old", "new"):
    write(tmp_path / "deep" / "a.txt", text)
    write_folder(tmp_path / "deep" / "1", text)
  assert (tmp_path / "deep" / "a.txt").read_text() == "new"
  assert (tmp_path / "deep" / "1" / "part").read_text() == "new"
  assert names(tmp_path / "deep") == ["1", "a.txt"], "nothing is left aside"


@pytest.mark.parametrize("writer", [write, write_folder])
def test_an_exception_leaves_the_old(tmp_path, writer):
  target = tmp_path / "x"
  writer(target, "old")

  def fail_half_way():
    with files.written_aside(target) as aside:
      if writer is write:
        aside.write_text("half")
      else:
        aside.mkdir()
        (aside / "part").write_text("half")
      raise ZeroDivisionError

  with pytest.raises(ZeroDivisionError):
    fail_half_way()
  assert (target if writer is write else target / "part").read_text() == "old"
  assert names(tmp_path) == ["x"]


def test_an_old_file_is_not_seen_among_the_new_ones_of_a_folder(tmp_path):
  write_folder(tmp_path / "x", "old")
  with files.written_aside(tmp_path / "x") as aside:
    aside.mkdir()
    (aside / "other").write_text("new")
  assert names(tmp_path / "x") == ["other"]


KILLED = """
import os, pathlib, signal, sys
from tfrec_combo.base import files
target, where = pathlib.Path(sys.argv[1]), sys.argv[2]
if where == "between":  # after the old folder was moved away, before the new one takes its place
  rename = os.rename
  def die_on_second(a, b, calls=[]):
    calls.append(a)
    if len(calls) == 2:
      os.kill(os.getpid(), signal.SIGKILL)
    rename(a, b)
  os.rename = die_on_second
with files.written_aside(target) as aside:
  aside.mkdir()
  (aside / "part").write_text("half")
  if where == "writing":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("where", ["writing", "between"])
def test_a_killed_run_leaves_the_last_good_folder_and_the_next_sweep_cleans_up(tmp_path, where):
  target = tmp_path / "1"
  write_folder(target, "old")
  done = subprocess.run([sys.executable, "-c", KILLED, str(target), where])
  assert done.returncode == -signal.SIGKILL
  assert len(names(tmp_path)) == 2, "the killed run left something"
  assert not any(name.isdigit() for name in names(tmp_path) if name != "1"), (
    "a server would take it for a version"
  )
  files.sweep(target)
  assert names(tmp_path) == ["1"]
  assert (target / "part").read_text() == "old"
  write_folder(target, "new")
  assert (target / "part").read_text() == "new"


def save_model(folder):
  module = tf.Module()
  module.weights = tf.Variable(tf.zeros([100_000]))
  tf.saved_model.save(module, str(folder / "model"))


def write_records(folder):
  with tf.io.TFRecordWriter(str(folder / "records")) as out:
    for _ in range(100):
      out.write(bytes(4000))


WRITERS = {
  "text": lambda folder: (folder / "text").write_text("x" * 400_000),
  "arrays": lambda folder: np.savez(folder / "arrays.npz", a=np.zeros(100_000)),
  "a table": lambda folder: pl.DataFrame({"a": np.random.default_rng(0).random(100_000)}).write_parquet(
    folder / "t"
  ),
  "a SavedModel": save_model,
  "records": write_records,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_a_full_disk_is_told_whichever_library_meets_it(tmp_path, write):
  with small_disk(tmp_path, 1) as disk, filled(disk, 40_000):
    told = pytest.raises(OSError, match="No space left on device; nothing of it was kept: free some")
    with told as caught, files.written_aside(disk / "x") as aside:
      aside.mkdir()
      write(aside)
    assert caught.value.errno == errno.ENOSPC
    assert names(disk) == ["hog"]


def test_a_folder_that_cannot_take_its_place_puts_the_old_one_back(tmp_path, monkeypatch):
  target = tmp_path / "x"
  write_folder(target, "old")
  rename = os.rename

  def refuse(a, b):
    if str(a).endswith(".aside"):
      raise PermissionError("no")
    rename(a, b)

  monkeypatch.setattr(os, "rename", refuse)
  with pytest.raises(PermissionError):
    write_folder(target, "new")
  assert (target / "part").read_text() == "old"
  assert names(tmp_path) == ["x"]


def test_json_keeps_text_of_any_language(tmp_path):
  value = {"b": [1, 2.5, None], "a": "野营 ☕"}
  files.write_json(tmp_path / "x.json", value)
  assert files.read_json(tmp_path / "x.json") == value
  assert "野营" in (tmp_path / "x.json").read_text()


def test_checksums_name_every_file_below_and_change_with_one_byte(tmp_path):
  (tmp_path / "a").mkdir()
  (tmp_path / "a" / "b").write_bytes(b"abc")
  (tmp_path / "c").write_bytes(b"")
  before = files.checksums(tmp_path)
  # FIPS 180-2's own example for "abc", and the well-known sum of nothing
  assert before == {
    "a/b": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "c": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  }
  (tmp_path / "c").write_bytes(b"x")
  assert files.checksums(tmp_path)["c"] != before["c"]


def test_fingerprint_reads_values_not_their_order():
  assert files.fingerprint({"a": 1, "b": 2}) == files.fingerprint({"b": 2, "a": 1})
  assert files.fingerprint({"a": 1}) != files.fingerprint({"a": 2})
  assert files.fingerprint({"p": pathlib.Path("x")}) == files.fingerprint({"p": "x"})
