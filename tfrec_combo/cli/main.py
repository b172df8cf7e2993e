"""The command line `tfrec-combo`: its commands, and how an error leaves it."""

import contextvars
import functools
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from tfrec_combo import __version__
from tfrec_combo.base.errors import ComboError, ConfigError, DataError, HeldBack, ModelError, StackError
from tfrec_combo.cli.output import answering

# In the order of a first use. Command `x` is the function `x` of tfrec_combo.cli.x; that module imports
# everything heavy inside its function, so that --help and a mistyped option answer at once.
COMMANDS = (
  "quickstart",
  "init",
  "prepare",
  "train",
  "evaluate",
  "report",
  "export",
  "reindex",
  "inspect",
  "recommend",
  "rank",
  "serve",
  "bundles",
  "synthesize",
  "doctor",
)

EXIT_BUG = 1  # what the user cannot mend
EXIT_SYSTEM = 7  # the machine: a full disk, a folder that may not be written
EXIT_STOPPED = 130  # Ctrl-C, as a shell reports it
# What a command leaves with, for scripts; docs/cli.md tells it.
EXIT_CODES = {
  0: "done",
  EXIT_BUG: "unexpected: a bug; `--debug` shows the trace",
  ConfigError.exit_code: "wrong usage: an option or a setting",
  DataError.exit_code: "the data or a request breaks the contract, or is not there",
  ModelError.exit_code: "a model or a training is missing, incomplete or unfit",
  StackError.exit_code: "an installed package, op library or preset does not fit; `tfrec-combo doctor` tells the mend",
  HeldBack.exit_code: "a new version did not pass a check or a gate; the old one goes on",
  EXIT_SYSTEM: "the system refuses: a full disk, no permission, no such file",
  EXIT_STOPPED: "stopped by Ctrl-C",
}

_debug = contextvars.ContextVar("debug", default=False)

app = typer.Typer(
  name="tfrec-combo",
  no_args_is_help=True,
  pretty_exceptions_enable=False,
  rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
  if wanted:
    print(__version__)
    raise typer.Exit


@app.callback()
def options(
  debug: Annotated[
    bool, typer.Option("--debug", help="Show the trace of an error. Works after a command, too.")
  ] = False,
  version: Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
  ] = False,
) -> None:
  """Product combinations from an order log: prepare, train, evaluate, export, ask.

  Example: tfrec-combo doctor
  """
  _debug.set(debug)
  if (
    not debug and os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "2"
  ):  # as base.stack has it, unless the user said else
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # a machine without a GPU is no error to tell of
  log = logging.getLogger("tfrec_combo")
  if not log.handlers:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
  log.setLevel(logging.DEBUG if debug else logging.INFO)
  log.propagate = False  # absl, which TensorFlow brings, would print each line once more


def guarded(function: Callable[..., None]) -> Callable[..., None]:
  """`function`, its exceptions turned into one line on stderr and an exit code; --debug adds the trace."""

  @functools.wraps(function)
  def run(*args: Any, **kwargs: Any) -> None:
    try:
      function(*args, **kwargs)
    except (typer.Exit, typer.Abort):
      raise
    except KeyboardInterrupt:
      _leave("stopped", EXIT_STOPPED)
    except ComboError as e:
      _leave(f"error: {e}", e.exit_code)
    except OSError as e:
      _leave(f"error: {e}", EXIT_SYSTEM)
    except Exception as e:
      name, message = type(e).__name__, " ".join(str(e).split())[:300]
      hint = "" if _debug.get() else "; run again with --debug for the trace"
      _leave(f"unexpected {name}: {message}{hint}", EXIT_BUG)

  return run


def _leave(line: str, code: int) -> None:
  if _debug.get():
    traceback.print_exc()
  print(line, file=sys.stderr)
  raise typer.Exit(code)


for _name in COMMANDS:
  app.command(_name)(guarded(answering(getattr(importlib.import_module(f"tfrec_combo.cli.{_name}"), _name))))


def main(args: Sequence[str] | None = None) -> None:
  """Runs the command line; exits 0, or with one of the codes above. `args`: all but the program's name."""
  rest = list(sys.argv[1:] if args is None else args)
  debug = ["--debug"] if "--debug" in rest else []
  app(debug + [a for a in rest if a != "--debug"], prog_name="tfrec-combo")
