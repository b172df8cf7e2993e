"""Deployment files: honest about what was not run, readable, and about one and the same server."""

import pathlib
import re

import pytest
import yaml

from tfrec_combo.base.pins import pins

DEPLOY = pathlib.Path(__file__).parents[1] / "deploy"
FILES = sorted(DEPLOY.iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_first_line_says_that_it_was_not_run(path):
  assert "Not run where it was written" in path.read_text().splitlines()[0]


def test_every_image_of_tf_serving_is_of_the_tensorflow_that_exports():
  found = {v for path in FILES for v in re.findall(r"tensorflow/serving:([\w.]+)", path.read_text())}
  assert found == {pins()["tensorflow"]}


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.yaml")), ids=lambda p: p.name)
def test_yaml_is_yaml(path):
  assert all(isinstance(one, dict) for one in yaml.safe_load_all(path.read_text()))


def test_the_largest_allowed_batch_is_the_largest_batch():
  text = (DEPLOY / "batching.txt").read_text()
  sizes = [int(n) for n in re.findall(r"^allowed_batch_sizes: (\d+)", text, re.M)]
  assert sizes == sorted(sizes)
  assert sizes[-1] == int(re.search(r"max_batch_size \{ value: (\d+)", text)[1])


def test_what_the_image_copies_is_there_and_its_command_is_known():
  text = (DEPLOY / "Dockerfile").read_text()
  root = DEPLOY.parent
  for line in re.findall(r"^COPY (.+) \S+$", text, re.M):
    assert all((root / name).exists() for name in line.split())
  from tfrec_combo.cli import main

  assert re.search(r'ENTRYPOINT \["tfrec-combo", "(\w+)"', text)[1] in main.COMMANDS
