"""The shop window at `/`: a static page that asks this server's own REST API, and what it reads besides, as JSON."""

import json
import mimetypes
import pathlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tfrec_combo.base.errors import ModelError
from tfrec_combo.serving import shelf
from tfrec_combo.serving.server import access, refusal
from tfrec_combo.serving.server.engine import Engine
from tfrec_combo.serving.server.status import Code, Refused, invalid
from tfrec_combo.serving.server.version import State

PAGE = pathlib.Path(__file__).parent.parent / "window"
MOST = 200  # products of one answer
LONGEST = 500  # characters of a search
# The page takes nothing from other hosts, holds no inline script or style, and no other page may frame it.
HEADERS = {
  "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
  " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
}
TYPES = {".js": "text/javascript", ".svg": "image/svg+xml"}  # a machine's own table may say otherwise

OnAThread = Callable[[Callable[[], str], float], Awaitable[str]]


class Window:
  """Routes of the page and of its read-only JSON below /ui/api, which asks for the server's token as /v1 does.

  Args:
    on_a_thread: runs a function within the server's limits, until a time of `time.monotonic`.
    grpc_port: of this server, None where gRPC is not served.
  """

  def __init__(self, engine: Engine, on_a_thread: OnAThread, grpc_port: Callable[[], int | None]):
    self._engine, self._on_a_thread, self._grpc_port = engine, on_a_thread, grpc_port
    self._files = {
      str(p.relative_to(PAGE)): p for p in PAGE.rglob("*") if p.is_file() and p.name != "index.html"
    }

  def routes(self) -> list[Route]:
    """For a Starlette application."""
    told = {
      "models": self._models,
      "products": self._products,
      "categories": self._categories,
      "shoppers": self._shoppers,
    }
    return [
      Route("/", self._index),
      *(Route(f"/ui/api/{name}", self._json(of)) for name, of in told.items()),
      Route("/ui/{name:path}", self._file),
    ]

  async def _index(self, _: Request) -> Response:
    return _static(PAGE / "index.html")

  async def _file(self, request: Request) -> Response:
    path = self._files.get(request.path_params["name"])  # only what is listed: a path leads nowhere else
    return _static(path) if path else Response("<h1>Not Found</h1>\n", 404, HEADERS, media_type="text/html")

  def _json(self, of: Callable[[Request], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
      try:
        access.check_token(self._engine.options.token, request.headers.get("authorization"))
        deadline = time.monotonic() + self._engine.options.timeout
        text = await self._on_a_thread(lambda: json.dumps(of(request), ensure_ascii=False), deadline)
      except Refused as e:
        return refusal.response(e)
      except ModelError as e:
        return refusal.response(Refused(Code.FAILED_PRECONDITION, str(e)))
      except TimeoutError:
        return refusal.response(Refused(Code.DEADLINE_EXCEEDED, "no answer in time"))
      return Response(text, media_type="application/json", headers=HEADERS)

    return answer

  def _models(self, _: Request) -> dict[str, Any]:
    models = self._engine.models
    found = []
    for name in models.names():
      versions = [v.number for v in models.status(name) if v.state is State.AVAILABLE]
      labels = {label: n for label, n in sorted(models.labels(name).items()) if n in versions}
      found.append({"name": name, "versions": versions, "labels": labels})
    return {"models": found, "grpc_port": self._grpc_port()}

  def _products(self, request: Request) -> dict[str, Any]:
    ids = request.query_params.getlist("id")
    if len(ids) > MOST:
      raise invalid(f"id must be given at most {MOST} times, got {len(ids)}; ask again for the rest")
    words = _words(request)
    limit = _limit(request)
    with self._held(request) as version:
      if ids:
        known = shelf.by_id(version.folder, ids)
        return {"products": known, "total": len(known)}
      products, total = shelf.search(version.folder, words, limit)
    return {"products": products, "total": total}

  def _categories(self, request: Request) -> dict[str, Any]:
    words, limit = _words(request), _limit(request)
    with self._held(request) as version:
      return {"categories": shelf.categories(version.folder, words, limit)}

  def _shoppers(self, request: Request) -> dict[str, Any]:
    with self._held(request) as version:
      return {"shoppers": shelf.shoppers(version.folder)}

  def _held(self, request: Request):
    asked = request.query_params
    number = asked.get("version")
    if number is not None and not (number.isascii() and number.isdigit() and len(number) < 20):
      raise invalid(f"version must be a whole number, got {number[:30]!r}; leave it out for the newest")
    return self._engine.models.held(
      asked.get("model", ""), int(number) if number else None, asked.get("label")
    )


def _words(request: Request) -> str:
  words = request.query_params.get("q", "")
  if len(words) > LONGEST:
    raise invalid(f"q must be at most {LONGEST} characters long, got {len(words)}; search for fewer words")
  return words


def _limit(request: Request) -> int:
  limit = request.query_params.get("limit", "20")
  if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MOST):
    raise invalid(f"limit must be 1 to {MOST}, got {limit[:30]!r}; leave it out for 20")
  return int(limit)


def _static(path: pathlib.Path) -> Response:
  kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
  return Response(path.read_bytes(), media_type=kind, headers=HEADERS)
