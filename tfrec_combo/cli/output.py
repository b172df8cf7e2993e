"""What a command answers, and how it is printed: for people, as JSON, or not at all."""

import dataclasses
import functools
import inspect
import json
import logging
import pathlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from tfrec_combo.base.laps import Laps

QuietOption = Annotated[
  bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", rich_help_panel="Output")
]
JsonOption = Annotated[
  bool, typer.Option("--json", help="Print the answer as JSON, alone on stdout.", rich_help_panel="Output")
]


@dataclasses.dataclass(frozen=True)
class Answer:
  """value: what JSON can hold. show: prints it for people; none: a line for each entry of a flat value.

  exit_code: what the command leaves with once it is printed.
  """

  value: Any
  show: Callable[[], None] | None = None
  exit_code: int = 0


def answering(function: Callable[..., Answer | None]) -> Callable[..., None]:
  """A command that prints what `function` answers; it gains --quiet, and --json where the function says that it answers."""
  answers = inspect.signature(function).return_annotation is not None
  added: dict[str, Any] = {"quiet": QuietOption} | ({"as_json": JsonOption} if answers else {})

  @functools.wraps(function)
  def run(*args: Any, quiet: bool = False, as_json: bool = False, **kwargs: Any) -> None:
    log = logging.getLogger("tfrec_combo")
    before = log.level
    if quiet:
      log.setLevel(logging.ERROR)  # bars look at it, too
    try:
      answer = function(*args, **kwargs)
    finally:
      log.setLevel(before)
    if answer is None:
      return
    if as_json:
      typer.echo(json.dumps(answer.value, indent=2, ensure_ascii=False, default=str))
    elif not quiet:
      (answer.show or functools.partial(_lines, answer.value))()
    if answer.exit_code:
      raise typer.Exit(answer.exit_code)

  own = inspect.signature(function)
  more = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
    for name, kind in added.items()
  ]
  run.__signature__ = own.replace(parameters=[*own.parameters.values(), *more])  # type: ignore[attr-defined]
  run.__annotations__ = function.__annotations__ | added
  return run


def warn(line: str) -> None:
  """One line on stderr, unless the command is to be quiet."""
  if logging.getLogger("tfrec_combo").level < logging.ERROR:
    typer.echo(line, err=True)


def versions(folders: Sequence[pathlib.Path], laps: Laps) -> Answer:
  """Versions that were published, a line each; JSON also holds the seconds that each part of the work took."""
  lines = [str(folder) for folder in folders]
  return Answer({"versions": lines, "seconds": laps.seconds}, lambda: typer.echo("\n".join(lines)))


def _lines(value: dict[str, Any]) -> None:
  for name, one in value.items():
    typer.echo(f"{name}: {one}")
