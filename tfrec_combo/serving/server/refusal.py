"""What a request that is not answered gets over HTTP."""

import json

from starlette.responses import Response

from tfrec_combo.serving.server.status import Refused


def response(e: Refused) -> Response:
  """Status and body as TF Serving writes them, with the headers that tell a client what to do next."""
  headers = {"Retry-After": "1"} if e.http in (429, 503) else None
  headers = {"WWW-Authenticate": "Bearer"} if e.http == 401 else headers
  body = json.dumps({"error": e.message}, ensure_ascii=True)
  return Response(body, e.http, headers, media_type="application/json")
