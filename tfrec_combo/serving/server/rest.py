"""The REST front end: an ASGI application around `rest_calls`, with limits, health and metrics."""

import asyncio
import concurrent.futures
import time
import zlib
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tfrec_combo.serving.server import access, openapi, refusal, rest_calls
from tfrec_combo.serving.server.engine import Engine
from tfrec_combo.serving.server.status import Code, Refused, bug, invalid
from tfrec_combo.serving.server.window import Window

TOO_LONG = "the body must be at most {} bytes; send fewer rows"


class Rest:
  """TF Serving's HTTP side, an ASGI application. Work is done on threads; the event loop only reads and writes."""

  def __init__(
    self,
    engine: Engine,
    threads: concurrent.futures.Executor,
    grpc_port: Callable[[], int | None] = lambda: None,
  ):
    self._engine, self._options, self._threads = engine, engine.options, threads
    self._inflight = 0
    routes = [
      Route("/healthz", _alive),
      Route("/readyz", self._ready),
      Route(openapi.PATH, self._guarded(self._openapi)),
    ]
    if self._options.metrics_path:
      routes.append(Route(self._options.metrics_path, self._guarded(self._metrics)))
    if self._options.ui:
      routes += Window(engine, self._on_a_thread, grpc_port).routes()
    self._every = _Endpoint(self._any)
    self._routed = Starlette(routes=[*routes, Route("/{rest:path}", self._every)])
    self._routed.router.default = self._every  # a path that holds a line break matches no route

  async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
    """One ASGI connection; models are asked past the routes, which would each be tried first."""
    asked = scope["type"] == "http" and scope["path"].startswith("/v1/")
    await (self._every if asked else self._routed)(scope, receive, send)

  async def _ready(self, _: Request) -> Response:
    ready = self._engine.models.ready()
    return PlainTextResponse("ready\n" if ready else "not ready\n", 200 if ready else 503)

  def _guarded(self, answer: Callable[[], Response]) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
      try:
        access.check_token(self._options.token, request.headers.get("authorization"))
      except Refused as e:
        return refusal.response(e)
      return answer()

    return guarded

  def _metrics(self) -> Response:
    return Response(self._engine.metrics.text(), media_type="text/plain; version=0.0.4")

  def _openapi(self) -> Response:
    return JSONResponse(openapi.document(self._engine))

  async def _any(self, request: Request) -> Response:
    path = request.scope.get("raw_path", b"").decode("latin-1")
    if not path.lower().startswith("/v1/"):
      return Response("<h1>Not Found</h1>\n", 404, media_type="text/html")
    if request.method == "OPTIONS" and self._options.cors:
      return _preflight(request)
    started = time.monotonic()
    call = rest_calls.Call(request.method, path, b"", started + self._options.timeout)
    code = Code.OK
    try:
      access.check_token(self._options.token, request.headers.get("authorization"))
      async with asyncio.timeout(self._options.timeout):
        call.body = await self._body(request)
      response = Response(
        await self._on_a_thread(lambda: self._work(call), call.deadline), media_type="application/json"
      )
    except Refused as e:
      code, response = e.code, refusal.response(e)
    except TimeoutError:
      late = Refused(Code.DEADLINE_EXCEEDED, f"no answer within {self._options.timeout:g} seconds")
      code, response = late.code, refusal.response(late)
    except ClientDisconnect:
      code, response = Code.CANCELLED, Response(status_code=499)
    except Exception as e:
      code, response = Code.INTERNAL, refusal.response(bug(e))
    if self._options.cors:
      response.headers["Access-Control-Allow-Origin"] = "*"
    self._tell(request, call, code, time.monotonic() - started, response)
    return response

  async def _body(self, request: Request) -> bytes:
    """The body, unpacked, never more than the limit in memory."""
    most = self._options.body_bytes
    long = Refused(Code.INVALID_ARGUMENT, TOO_LONG.format(most), 413)
    if int(request.headers.get("content-length", "0")) > most:
      raise long
    unzip = zlib.decompressobj(31) if request.headers.get("content-encoding", "") == "gzip" else None
    parts, size = [], 0
    async for part in request.stream():
      try:
        part = unzip.decompress(part, most + 1 - size) if unzip else part
      except zlib.error as e:
        raise invalid(f"the body must be gzip, as its header says: {e}") from None
      size += len(part)
      if size > most:
        raise long
      parts.append(part)
    return b"".join(parts)

  async def _on_a_thread(self, work: Callable[[], str], deadline: float) -> str:
    if self._inflight >= self._options.inflight:
      raise Refused(Code.RESOURCE_EXHAUSTED, f"{self._inflight} requests are in work; come back later")
    self._inflight += 1
    future = asyncio.get_running_loop().run_in_executor(self._threads, work)
    # A thread cannot be stopped, so the place stays taken until it is done, whoever has stopped waiting.
    future.add_done_callback(self._done)
    done, _ = await asyncio.wait([future], timeout=deadline - time.monotonic())
    if not done:
      raise TimeoutError
    return future.result()

  def _done(self, future: asyncio.Future) -> None:
    self._inflight -= 1
    future.cancelled() or future.exception()  # asked for, so that asyncio does not report it as never retrieved

  def _work(self, call: rest_calls.Call) -> str:
    if time.monotonic() > call.deadline:
      raise Refused(Code.DEADLINE_EXCEEDED, "Deadline exceeded before the request was looked at")
    return rest_calls.answer(self._engine, call)

  def _tell(
    self, request: Request, call: rest_calls.Call, code: Code, seconds: float, response: Response
  ) -> None:
    if call.api in ("Predict", "Classify", "Regress"):
      # Names come from strangers; only those that are served may become a time series.
      model = call.model if call.version is not None else ""
      self._engine.metrics.request(model, call.api, "REST", code.name, seconds)
    if self._options.access_log:
      client = request.client.host if request.client else ""
      access.write(
        "REST",
        code.name,
        seconds,
        client=client,
        method=call.method,
        path=call.path,
        model=call.model,
        version=call.version,
        signature=call.signature,
        http=response.status_code,
        bytes_in=len(call.body),
        bytes_out=len(response.body),
      )


class _Endpoint:
  """An endpoint for every method; Starlette answers 405 for those a function does not name, TF Serving does not."""

  def __init__(self, answer):
    self._answer = answer

  async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
    response = await self._answer(Request(scope, receive, send))
    await response(scope, receive, send)


async def _alive(_: Request) -> Response:
  return PlainTextResponse("alive\n")


def _preflight(request: Request) -> Response:
  if not request.headers.get("origin", "").startswith(("http://", "https://")):
    return refusal.response(invalid("Origin header is missing in CORS preflight"))
  allowed = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
  }
  return Response(status_code=200, headers=allowed)
