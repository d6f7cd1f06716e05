"""Front of a web process: receives each request whole before a deadline, then calls the WSGI application.

An event loop waits for clients, in thousands; a thread is taken only for a request that is complete. In
Granian's own WSGI interface a thread waits for the body, without a deadline.
"""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from shop.web.refusals import refusal_text
from shop.web.watchdog import Desk

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
#: Headers that describe the transfer, which has ended when the application is called.
_TRANSFER = frozenset({"content-length", "transfer-encoding", "connection", "expect"})
#: Seconds between two looks at answered requests.
_TICK = 0.05
#: Has nginx pass a stream on as it comes.
_UNBUFFERED = ("x-accel-buffering", "no")
_CLOSE = [("cache-control", "no-store"), ("connection", "close")]


class Refused(Exception):
    """The body is too long, too late or broken."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True)
class Limits:
    """Limits of a body."""

    #: Bytes.
    size: int
    #: Seconds from the end of the head to the end of the body.
    seconds: float


class Request(NamedTuple):
    """A complete request."""

    scope: Any
    headers: Any
    protocol: Any
    body: bytes
    #: Ends the server's wait for the answer.
    answered: "asyncio.Future[None]"


class Front:
    """RSGI application around a WSGI application."""

    def __init__(self, application: Application, desks: Sequence[Desk], limits: Limits) -> None:
        """Start a thread for each desk."""
        self._application, self._limits = application, limits
        self._complete: SimpleQueue[Request] = SimpleQueue()
        #: Marks of answered requests, which the loop looks at now and then: to wake it for each costs more.
        self._answered: deque[asyncio.Future[None]] = deque()
        self._open = 0
        for number, desk in enumerate(desks):
            Thread(target=self._work, args=(desk,), name=f"web-{number}", daemon=True).start()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Receive a request, and have a thread answer it."""
        headers = scope.headers  # a copy at each access
        try:
            body = await receive(headers, protocol, self._limits) if is_announced(headers) else b""
        except Refused as refused:
            content_type, text = refusal_text(scope.path, refused.status, refused.text)
            protocol.response_str(refused.status, [("content-type", content_type), *_CLOSE], text)
            return
        loop = asyncio.get_running_loop()
        answered = loop.create_future()
        self._complete.put(Request(scope, headers, protocol, body, answered))
        if not self._open:
            loop.call_later(_TICK, self._look_at_answers, loop)
        self._open += 1
        await answered

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the server see the last answers, for its access log."""
        self._mark_answered()
        loop.run_until_complete(asyncio.sleep(0))

    def _look_at_answers(self, loop: asyncio.AbstractEventLoop) -> None:
        self._mark_answered()
        if self._open:
            loop.call_later(_TICK, self._look_at_answers, loop)

    def _mark_answered(self) -> None:
        while self._answered:
            self._answered.popleft().set_result(None)
            self._open -= 1

    def _work(self, desk: Desk) -> None:
        """Answer complete requests, one after the other."""
        desk.clear()
        while True:
            request = self._complete.get()
            desk.begin(request.scope)
            try:
                self._answer(request, desk)
            except Exception:
                log.exception("%s %s failed", request.scope.method, request.scope.path)
                request.protocol.response_empty(500, [])
            desk.clear()
            self._answered.append(request.answered)

    def _answer(self, request: Request, desk: Desk) -> None:
        response = Response(request.protocol)
        chunks = self._application(environ(request.scope, request.headers, request.body), response.start)
        try:
            response.send(chunks, before_stream=desk.clear)
        finally:
            if close := getattr(chunks, "close", None):
                close()


class Response:
    """Response of the application, passed on to the server."""

    def __init__(self, protocol: Any) -> None:
        self._protocol, self._status = protocol, 500
        self._headers: list[tuple[str, str]] = []

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        """Take status and headers: WSGI's start_response."""
        self._status, self._headers = int(status[:3]), headers

    def send(self, chunks: Iterable[bytes], *, before_stream: Callable[[], None]) -> None:
        """Send the body: at once, or as a stream, however long that takes."""
        if not getattr(chunks, "streaming", False):
            self._protocol.response_bytes(self._status, self._headers, b"".join(chunks))
            return
        stream = self._protocol.response_stream(self._status, self._headers_of_stream())
        before_stream()
        for chunk in chunks:
            stream.send_bytes(chunk)

    def _headers_of_stream(self) -> list[tuple[str, str]]:
        """Return the headers; nginx passes a stream on as it comes, unlike a file of known length."""
        is_file = any(name.lower() == "content-length" for name, _ in self._headers)
        return self._headers if is_file else [*self._headers, _UNBUFFERED]


def is_announced(headers: Any) -> bool:
    """Tell whether a request has a body."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


async def receive(headers: Any, protocol: Any, limits: Limits) -> bytes:
    """Return the body of a request. Raises Refused if it exceeds a limit."""
    length = headers.get("content-length")
    if length is not None and int(length) > limits.size:
        raise _too_long(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            body: bytes = await _read(protocol, limits) if length is None else await protocol()
    except TimeoutError as late:
        text = f"The body was not complete within {limits.seconds:g} s: send it faster, or less at once."
        raise Refused(408, text) from late
    except RuntimeError as broken:  # the client has gone
        raise Refused(400, "The body is incomplete.") from broken
    return body


async def _read(protocol: Any, limits: Limits) -> bytes:
    """Return a body that comes in chunks of unknown number."""
    body, ended = bytearray(), False
    async for chunk in protocol:
        if ended:  # an empty chunk stands for an error, too, and the end comes only then
            raise Refused(400, "The body is incomplete.")
        body += chunk
        ended = not chunk
        if len(body) > limits.size:
            raise _too_long(limits)
    return bytes(body)


def _too_long(limits: Limits) -> Refused:
    return Refused(413, f"The body has more than {limits.size:,} bytes: send less at once.")


def environ(scope: Any, headers: Any, body: bytes) -> dict[str, Any]:
    """Return WSGI's environment, without headers with underscores: they would pass for others."""
    path: str = scope.path
    found = {
        **_ENVIRON,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": path if path.isascii() else path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body),
    }
    found["SERVER_NAME"], _, found["SERVER_PORT"] = scope.server.rpartition(":")
    for name, value in headers.items():
        if key := _key(name):
            found[key] = value if key not in found else _joined(key, found[key], value)
    return found


_ENVIRON = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


@lru_cache(1024)
def _key(name: str) -> str:
    """Return a header's name in the environment; empty for one that is left out."""
    if "_" in name or name in _TRANSFER:
        return ""
    return "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")


def _joined(key: str, first: str, second: str) -> str:
    return f"{first}; {second}" if key == "HTTP_COOKIE" else f"{first},{second}"
