"""The parts of a log and the shards of its records as Apache Beam pipelines, on any of Beam's runners."""

import json
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tfrec_combo.base import pins
from tfrec_combo.records.each import Each

# All cores of this machine. Beam's own default is a runner that is downloaded when it is first used.
HERE = (
  "--runner=DirectRunner",
  "--direct_running_mode=multi_processing",
  "--direct_num_workers=0",
  "--default_sdk_harness_log_level=WARNING",
)


def each_on(options: Sequence[str], folder: pathlib.Path) -> Each:
  """What runs tasks as the elements of a pipeline; the same results in the same order as `each.here`.

  options: of Beam, such as --runner=FlinkRunner; none: `HERE`. folder: where results wait, seen by all workers under this path.

  Raises:
    StackError: the extra [beam] is not installed.
  """
  pins.require_extra("beam", "records.runner beam")

  def each(function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    results = pathlib.Path(tempfile.mkdtemp(dir=folder))
    with beam.Pipeline(options=PipelineOptions(list(options or HERE))) as pipeline:
      numbered = pipeline | beam.Create(list(enumerate(tasks)), reshuffle=True)
      _ = numbered | beam.Map(_run, function, results)
    return (json.loads((results / str(number)).read_text()) for number in range(len(tasks)))

  return each


def _run(task: tuple[int, Any], function: Callable[[Any], Any], results: pathlib.Path) -> None:
  number, argument = task
  # A runner may try a task twice: the same bytes are written again, and a result is there whole or not at all.
  aside = results / f"{number}.{id(task)}.aside"
  aside.write_text(json.dumps(function(argument)))
  aside.replace(results / str(number))
