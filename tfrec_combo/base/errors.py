"""Errors a user can act on. The command line prints them as one line; everything else is a bug and keeps its trace."""


class ComboError(Exception):
  """Base of every error that the user, not the programmer, can mend."""


class ConfigError(ComboError):
  """A setting is unknown, of the wrong type or out of its range."""


class DataError(ComboError):
  """A table, a record or a request breaks the data contract."""


class StackError(ComboError):
  """An installed package, op library or preset does not fit the pinned stack."""


class ModelError(ComboError):
  """A SavedModel or checkpoint is missing, incomplete or of another format."""


def fault(argument: str, rule: str, got: object, way_out: str) -> str:
  """One sentence of the form every message here has: the argument, the rule, what came, the way out.

  >>> fault("split.test_days", "must be positive", -3, "set the days of log to hold out, say 30")
  'split.test_days must be positive, got -3; set the days of log to hold out, say 30'
  """
  return f"{argument} {rule}, got {got!r}; {way_out}"
