"""The table of speeds: what is made of repeats, and what a second run of one stage leaves as it was."""

import json

import pytest

from benchmarks.speed import pages, stages
from benchmarks.speed.ceilings import Ceilings
from benchmarks.speed.rows import compared, in_turns

MACHINE = {"threads": 2, "bytes_copied": 2e10, "flops": 1e11, "disk": 1e9, "scale": "quick"}


def test_less_time_is_better_and_more_a_second_too():
  time = compared("a", "peer", [1, 2, 1], [4, 6, 2], wanted=3, floor=0.5)
  assert (time.ours, time.peer, time.ratio, time.share, time.met) == (1, 4, 3, 0.5, True)
  rate = compared("a", "peer", [100, 50, 100], [50, 50, 50], unit="rows/s", wanted=3, floor=400)
  assert (rate.ratio, rate.share, rate.met) == (2, 0.25, False)


def test_a_limit_is_passed_by_what_takes_more():
  row = compared("a", "itself, a tenth", [20, 22, 24], [2, 2, 2], at_most=True, wanted=11)
  assert (row.ratio, row.met, row.reached) == (11, True, 1)
  assert not compared("a", "itself", [24], [2], at_most=True, wanted=11).met


def test_what_else_the_machine_does_falls_on_both():
  calls = []
  taken = in_turns({"ours": lambda: calls.append("o"), "peer": lambda: calls.append("p")}, repeats=3)
  assert "".join(calls) == "op" + "op" * 3
  assert [len(times) for times in taken.values()] == [3, 3]


def test_a_floor_is_the_longest_of_what_the_work_needs():
  ceilings = Ceilings(threads=1, bytes_copied=10, flops=100, disk=1)
  assert ceilings.seconds(flops=100, moved=20, read=3) == 3
  assert ceilings.seconds(flops=1000, moved=20) == 10


def test_a_stage_measured_again_takes_the_place_of_its_last_rows(tmp_path):
  order = ["first", "second"]
  slow, fast = (compared("second", "peer", [t], [6.0], wanted=2) for t in (6.0, 1.5))
  told = compared("first", "its floor", [2.0], floor=1.0, note="no peer")
  pages.merge(tmp_path, "second", [slow], MACHINE, order)
  pages.merge(tmp_path, "first", [told], MACHINE, order)
  pages.merge(tmp_path, "second", [fast], MACHINE, order)
  done = json.loads((tmp_path / "speed.json").read_text())["stages"]
  assert list(done) == order
  assert [row["ratio"] for part in done.values() for row in part["rows"]] == [None, 4.0]
  text = (tmp_path / "speed.md").read_text()
  assert "at least 2: yes" in text
  assert "at least 2: no" not in text
  assert "2.0000" in (tmp_path / "speed.svg").read_text()  # 4 times where 2 were wanted


@pytest.mark.parametrize("name", stages.STAGES)
def test_every_stage_is_there(name):
  assert callable(stages.stage(name))
