"""Versions of an export: whole or not at all, and none that says nothing new."""

import shutil

import numpy as np
import pytest

from tfrec_combo.base import files
from tfrec_combo.base.errors import ModelError
from tfrec_combo.cli import stages
from tfrec_combo.export import exporter
from tfrec_combo.serving import fresh, golden
from tfrec_combo.serving.model import newest_version


def test_versions_follow_what_changes_and_a_failed_check_leaves_none(workshop, trained, quick, monkeypatch):
  config, _ = trained
  first = stages.export(config)
  assert first.name == "1"
  sums = files.checksums(first)
  assert stages.export(config) == first, "nothing changed"
  base = first.parent
  assert exporter.versions(base) == [1]

  changed = workshop.config("whole", combine={"substitute_penalty": 0.5})
  seen = []

  def refuse(_, folder):
    seen.append(folder)
    assert (folder / "saved_model.pb").is_file()
    raise ModelError("it does not serve")

  with monkeypatch.context() as patched:
    patched.setattr(fresh.FreshProcess, "replay", refuse)
    with pytest.raises(ModelError, match="it does not serve"):
      stages.export(changed)
  assert not seen[0].name.isdigit(), "no server takes what is being checked for a version"
  assert [p.name for p in base.iterdir()] == ["1"]

  # What a killed export left, and what is no version.
  (base / ".2.4194305-0a1b2c3d.aside").mkdir()
  (base / "notes").mkdir()
  second = stages.export(changed)
  assert (second.name, exporter.versions(base)) == ("2", [1, 2])
  assert sorted(p.name for p in base.iterdir()) == ["1", "2", "notes"]
  assert newest_version(base) == second
  assert stages.export(changed) == second
  assert files.checksums(first) == sums
  # Back to the first settings: the newest version is of others, so there is a third.
  assert stages.export(config).name == "3"
  assert (
    files.read_json(base / "3" / "manifest.json")["key"] == files.read_json(first / "manifest.json")["key"]
  )


@pytest.fixture
def version(trained, quick, tmp_path):
  """A copy of the exported version."""
  made = stages.export(trained[0])
  return shutil.copytree(made, tmp_path / made.name)


def test_a_tampered_answer_is_found(version, monkeypatch):
  """The replay compares numbers and strings, and says which differs."""
  worst = golden.replay(version)
  assert worst.keys() == {"embed_products", "embed_queries"}
  assert max(worst.values()) < 1e-5
  path = version / "assets.extra" / "golden" / "embed_queries.npz"
  arrays = dict(np.load(path))
  arrays["out:vectors"][2, 3] += 0.01
  np.savez(path, **arrays)
  with pytest.raises(ModelError, match=r"embed_queries\.vectors differs by 0\.0\d+ from what it was before"):
    golden.replay(version)
  monkeypatch.undo()
  with pytest.raises(ModelError, match="the exported model does not serve: embed_queries"):
    fresh.FreshProcess().replay(version)
  path.unlink()
  (path.parent / "embed_products.npz").unlink()
  with pytest.raises(ModelError, match="must hold golden requests"):
    golden.replay(version)
