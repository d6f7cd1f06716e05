"""Front of a web process: receives each request whole before a deadline, then calls the WSGI application.

Threads of Granian run it, a step at a time: a head has arrived, a body has, a request is complete. None of
them waits for a client. In the WSGI interface of Granian a thread waits for the body, without a deadline.
"""

import logging
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from io import BytesIO
from typing import Any

from shop.security.headers import DATA_HEADERS
from shop.web.forwarding import Forwarder, is_feed
from shop.web.refusals import refusal_text
from shop.web.watchdog import Desk

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
#: Takes the time of day and the monotonic clock at the start of a request, its scope and the status.
AccessLog = Callable[[float, float, Any, int], None]
#: Chunks of a body: each costs a thread some time, however short it is.
_MAX_CHUNKS = 4096
#: Headers that describe the transfer, which has ended when the application is called.
_TRANSFER = frozenset({"content-length", "transfer-encoding", "connection", "expect"})
#: Has nginx pass a stream on as it comes.
_UNBUFFERED = ("x-accel-buffering", "no")
#: Headers of answers that the application has no part in.
_OWN = [(name.lower(), value) for name, value in DATA_HEADERS.items()]
_CLOSE = ("connection", "close")


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


@dataclass(frozen=True, eq=False)
class Request:
    """A request whose head has arrived."""

    scope: Any
    protocol: Any
    headers: Any
    wall_time: float = field(default_factory=time.time)
    began: float = field(default_factory=time.perf_counter)


@dataclass(eq=False)
class Arrival:
    """A request whose body is on its way."""

    request: Request
    #: Returns the body; it waits for futures of the server's, and for nothing else.
    body: Coroutine[Any, None, bytes]
    #: Time of time.monotonic().
    deadline: float
    future: Any = None


class Inline:
    """Event loop in the eyes of Granian's futures: it runs each callback at once."""

    @staticmethod
    def call_soon(callback: Callable[..., None], *args: Any, context: Any = None) -> None:
        """Run the callback."""
        callback(*args)

    call_soon_threadsafe = call_soon


class Front:
    """Receiver of requests around a WSGI application."""

    def __init__(
        self,
        application: Application,
        desks: Sequence[Desk],
        limits: Limits,
        *logs: AccessLog,
        forwarder: Forwarder | None = None,
    ) -> None:
        """Keep a desk for each thread; each log is called after each request."""
        self._application, self._limits, self._logs = application, limits, logs
        self._forwarder = forwarder
        self._free_desks = list(desks)
        self._arrivals: dict[Arrival, None] = {}

    def take(self, watcher: Any) -> None:
        """Take a request whose head has arrived: Granian's callback, in any of its threads."""
        request = Request(watcher.scope, watcher.proto, watcher.scope.headers)
        if self._forwarder and request.scope.method == "GET" and is_feed(request.scope.path):
            self._forwarder.forward(request.scope, request.protocol, partial(self._log, request))
        elif is_announced(request.headers):
            body = receive(request.headers, request.protocol, self._limits)
            self._receive(Arrival(request, body, time.monotonic() + self._limits.seconds))
        else:
            self._answer(request, b"")

    def refuse_late(self) -> None:
        """Refuse the bodies that are late; while no thread is free, one may have arrived and wait for it."""
        grace = 0.0 if self._free_desks else self._limits.seconds
        now = time.monotonic()
        for arrival in list(self._arrivals):
            if arrival.deadline + grace < now:
                arrival.future.cancel()

    def _receive(self, arrival: Arrival, future: Any = None) -> None:
        """Go on with a body, after the start or the end of a future."""
        self._arrivals.pop(arrival, None)
        try:
            is_late = future is not None and future.cancelled()
            arrival.future = arrival.body.throw(self._late()) if is_late else arrival.body.send(None)
        except StopIteration as end:
            self._answer(arrival.request, end.value)
        except Refused as refused:
            self._refuse(arrival.request, refused)
        else:
            self._arrivals[arrival] = None
            arrival.future.add_done_callback(partial(self._receive, arrival))

    def _late(self) -> Refused:
        seconds = self._limits.seconds
        text = f"The body was not complete within {seconds:g} s: send it faster, or less at once."
        return Refused(408, text)

    def _refuse(self, request: Request, refused: Refused) -> None:
        content_type, text = refusal_text(request.scope.path, refused.status, refused.text)
        headers = [("content-type", content_type), *_OWN, _CLOSE]
        request.protocol.response_str(refused.status, headers, text)
        self._log(request, refused.status)

    def _answer(self, request: Request, body: bytes) -> None:
        """Have the application answer a complete request."""
        desk = self._free_desks.pop()
        desk.begin(request.scope)
        response = Response(request.protocol)
        try:
            self._call(request, body, response, desk)
        except Exception:
            log.exception("%s %s failed", request.scope.method, request.scope.path)
            request.protocol.response_empty(500, _OWN)
        desk.clear()
        self._free_desks.append(desk)
        self._log(request, response.status)

    def _call(self, request: Request, body: bytes, response: "Response", desk: Desk) -> None:
        chunks = self._application(environ(request.scope, request.headers, body), response.start)
        try:
            response.send(chunks, before_stream=desk.clear)
        finally:
            if close := getattr(chunks, "close", None):
                close()

    def _log(self, request: Request, status: int) -> None:
        for note in self._logs:
            note(request.wall_time, request.began, request.scope, status)


class Response:
    """Response of the application, passed on to the server."""

    def __init__(self, protocol: Any) -> None:
        self._protocol, self.status = protocol, 500
        self._headers: list[tuple[str, str]] = []

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        """Take status and headers: WSGI's start_response."""
        self.status, self._headers = int(status[:3]), headers

    def send(self, chunks: Iterable[bytes], *, before_stream: Callable[[], None]) -> None:
        """Send the body: at once, or as a stream, however long that takes."""
        if not getattr(chunks, "streaming", False):
            self._protocol.response_bytes(self.status, self._headers, b"".join(chunks))
            return
        stream = self._protocol.response_stream(self.status, self._headers_of_stream())
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
        body: bytes = await _read(protocol, limits) if length is None else await protocol()
    except RuntimeError as broken:  # the client has gone
        raise Refused(400, "The body is incomplete.") from broken
    return body


async def _read(protocol: Any, limits: Limits) -> bytes:
    """Return a body that comes in chunks of unknown number."""
    body, count, ended = bytearray(), 0, False
    async for chunk in protocol:
        if ended:  # an empty chunk stands for an error, too, and the end comes only then
            raise Refused(400, "The body is incomplete.")
        body += chunk
        count += 1
        ended = not chunk
        if count > _MAX_CHUNKS:
            raise Refused(413, f"The body has more than {_MAX_CHUNKS:,} chunks: send larger ones.")
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
