"""What went wrong with a request, in TF Serving's codes, and the HTTP status of each."""

import enum
import logging

log = logging.getLogger(__name__)


class Code(enum.IntEnum):
  """The codes of gRPC, absl and TensorFlow, which are one list."""

  OK = 0
  CANCELLED = 1
  UNKNOWN = 2
  INVALID_ARGUMENT = 3
  DEADLINE_EXCEEDED = 4
  NOT_FOUND = 5
  ALREADY_EXISTS = 6
  PERMISSION_DENIED = 7
  RESOURCE_EXHAUSTED = 8
  FAILED_PRECONDITION = 9
  ABORTED = 10
  OUT_OF_RANGE = 11
  UNIMPLEMENTED = 12
  INTERNAL = 13
  UNAVAILABLE = 14
  DATA_LOSS = 15
  UNAUTHENTICATED = 16


# TF Serving's table, tensorflow_serving/model_servers/http_server.cc.
HTTP = {
  Code.OK: 200,
  Code.CANCELLED: 499,
  Code.UNKNOWN: 500,
  Code.INVALID_ARGUMENT: 400,
  Code.DEADLINE_EXCEEDED: 504,
  Code.NOT_FOUND: 404,
  Code.ALREADY_EXISTS: 409,
  Code.PERMISSION_DENIED: 403,
  Code.RESOURCE_EXHAUSTED: 429,
  Code.FAILED_PRECONDITION: 400,
  Code.ABORTED: 409,
  Code.OUT_OF_RANGE: 400,
  Code.UNIMPLEMENTED: 501,
  Code.INTERNAL: 500,
  Code.UNAVAILABLE: 503,
  Code.DATA_LOSS: 500,
  Code.UNAUTHENTICATED: 401,
}


class Refused(Exception):
  """A request that is answered with an error. http: the HTTP status where it is not the code's own, as for a long body."""

  def __init__(self, code: Code, message: str, http: int | None = None):
    super().__init__(message)
    self.code, self.message, self.http = code, message, http or HTTP[code]


def invalid(message: str) -> Refused:
  """A request that breaks the contract."""
  return Refused(Code.INVALID_ARGUMENT, message)


def bug(error: Exception) -> Refused:
  """What the client is told of an error that nobody foresaw; the log has its trace."""
  log.error("a request met a bug", exc_info=error)
  return Refused(Code.INTERNAL, f"{type(error).__name__} in the server; its log says where")
