"""Who may ask, and a line on each who did."""

import hmac
import json
import logging
import time

from tfrec_combo.serving.server.status import Code, Refused

log = logging.getLogger(__name__)


def check_token(token: str | None, header: str | None) -> None:
  """Raises a Refused unless `header`, an Authorization header, holds the server's token; None: everybody may ask."""
  if token is None:
    return
  scheme, _, given = (header or "").partition(" ")
  right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
  if scheme.lower() != "bearer" or not right:
    raise Refused(
      Code.UNAUTHENTICATED, "the header `Authorization: Bearer <token>` must hold the server's token"
    )


def write(entrypoint: str, status: str, seconds: float, **more: object) -> None:
  """One line of JSON on a request that was answered; what of `more` is empty is left out."""
  said = {
    "time": round(time.time(), 3),
    "entrypoint": entrypoint,
    "status": status,
    "ms": round(seconds * 1e3, 3),
  }
  log.info("%s", json.dumps(said | {k: v for k, v in more.items() if v not in ("", None)}))
