"""Where the parts of a log are worked on: here, or (`beam`) elsewhere. Needs no TensorFlow."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
# Runs a function over tasks, here or elsewhere, and gives the results, plain values as JSON has them, in their order.
Each = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]


def here(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
  """Each task in this process, one after the other."""
  return map(function, tasks)
