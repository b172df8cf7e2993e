"""The same records from an Apache Beam pipeline, over several processes."""

import importlib.util
import os
import time

import pytest

from tests.records.test_parted import SETTINGS, SMALL
from tfrec_combo.base import config as c
from tfrec_combo.base import files
from tfrec_combo.base.errors import StackError
from tfrec_combo.cli import stages
from tfrec_combo.logs import log
from tfrec_combo.logs.sources.synthetic import synthetic
from tfrec_combo.records import beam, builder, manifest

needs_beam = pytest.mark.skipif(
  importlib.util.find_spec("apache_beam") is None, reason="needs the extra [beam]"
)
MODES = "--runner=DirectRunner", "--direct_num_workers=2", "--default_sdk_harness_log_level=ERROR"


@needs_beam
def test_two_workers_write_the_same_bytes(tmp_path):
  """As threads: each process would load TensorFlow anew for each of the three pipelines."""
  found, config = synthetic(2, **SMALL), c.parse(SETTINGS)
  wanted = builder.write_log(log.of_shop(found, config, tmp_path / "a", 4), config, tmp_path / "here")
  each = beam.each_on((*MODES, "--direct_running_mode=multi_threading"), tmp_path)
  got = builder.write_log(log.of_shop(found, config, tmp_path / "b", 4), config, tmp_path / "beam", each=each)
  assert got == wanted
  assert files.checksums(tmp_path / "beam") == files.checksums(tmp_path / "here")


@needs_beam
def test_workers_are_processes_and_results_come_in_the_order_of_the_tasks(tmp_path):
  each = beam.each_on((*MODES, "--direct_running_mode=multi_processing"), tmp_path)

  def process_of(task):  # inside, so that workers need not import this file, and with it TensorFlow
    time.sleep(0.3)  # long enough that one worker cannot do all
    return [task, os.getpid()]

  found = list(each(process_of, range(6)))
  assert [task for task, _ in found] == list(range(6))
  workers = {pid for _, pid in found}
  assert len(workers) == 2
  assert os.getpid() not in workers


@needs_beam
def test_the_setting_runs_it_and_makes_no_other_records(tmp_path):
  values = {"name": "s", "runs": str(tmp_path), "data": {"source": "synthetic"}}
  options = (*MODES, "--direct_running_mode=multi_threading")
  on_beam = c.parse(values | {"records": {"runner": "beam", "beam_options": options}})
  assert manifest.key(on_beam) == manifest.key(c.parse(values))
  stages.prepare(on_beam)
  first = files.checksums(tmp_path / "s" / "records")
  stages.prepare(c.parse(values), fresh=True)
  assert files.checksums(tmp_path / "s" / "records") == first


def test_without_the_extra_it_is_said_how_to_get_it(tmp_path, monkeypatch):
  installed = beam.pins.installed
  monkeypatch.setattr(beam.pins, "installed", lambda name: None if name == "apache-beam" else installed(name))
  with pytest.raises(
    StackError, match=r'records.runner beam needs apache-beam.*pip install "tfrec-combo\[beam\]"'
  ):
    beam.each_on((), tmp_path)
