"""Errors a user can act on. The command line prints them as one line; everything else is a bug and keeps its trace."""


class ComboError(Exception):
  """Base of every error that the user, not the programmer, can mend. exit_code: what the command line leaves with."""

  exit_code = 1


class ConfigError(ComboError):
  """A setting is unknown, of the wrong type or out of its range."""

  exit_code = 2


class DataError(ComboError):
  """A table, a record or a request breaks the data contract."""

  exit_code = 3


class ModelError(ComboError):
  """A SavedModel or checkpoint is missing, incomplete or of another format."""

  exit_code = 4


class StackError(ComboError):
  """An installed package, op library or preset does not fit the pinned stack."""

  exit_code = 5


class HeldBack(ModelError):
  """A new version does not pass a check or a gate, so it is not published and the old one goes on."""

  exit_code = 6


def fault(argument: str, rule: str, got: object, way_out: str) -> str:
  """One sentence of the form every message here has: the argument, the rule, what came, the way out.

  >>> fault("split.test_days", "must be positive", -3, "set the days of log to hold out, say 30")
  'split.test_days must be positive, got -3; set the days of log to hold out, say 30'
  """
  return f"{argument} {rule}, got {got!r}; {way_out}"
