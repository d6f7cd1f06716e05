"""Forwarder of the web server: passes requests of the feed on to its process, without holding a thread each.

A proxy in front does that better. Without one, as in script/run, the shop still has a single origin.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from shop.web.refusals import refusal_text

log = logging.getLogger(__name__)

#: Paths that the feed's process answers; the routes of deploy/ name the same.
FEED = re.compile(r"/api/v1/(events|orders/[0-9a-f-]{36}/events)")
is_feed = FEED.fullmatch

#: Seconds until the head of an answer is there: longer than a long poll.
_HEAD_TIMEOUT = 45
_CHUNK = 64 * 1024
#: Headers of one connection, which are not passed on; and those that are about a body.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
)


class Forwarder:
    """Event loop in a thread of its own, which carries answers from the feed to clients."""

    def __init__(self, address: str) -> None:
        """Forward to ``address``, host and port."""
        self._host, _, self._port = address.rpartition(":")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def forward(self, scope: Any, protocol: Any, done: Callable[[int], None]) -> None:
        """Have a request answered, and return at once; ``done`` takes the status at the end."""
        loop = self._running_loop()
        transfer = asyncio.run_coroutine_threadsafe(self._transfer(scope, protocol, done), loop)
        _when_gone(protocol, transfer.cancel)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="forwarder", daemon=True).start()
            return self._loop

    async def _transfer(self, scope: Any, protocol: Any, done: Callable[[int], None]) -> None:
        status = 503
        try:
            reader, writer = await asyncio.open_connection(self._host.strip("[]"), int(self._port))
            try:
                writer.write(request_head(scope))
                async with asyncio.timeout(_HEAD_TIMEOUT):
                    status, headers = parse_head(await reader.readuntil(b"\r\n\r\n"))
                stream = protocol.response_stream(status, headers)
                while chunk := await reader.read(_CHUNK):
                    stream.send_bytes(chunk)
            finally:
                writer.close()
        except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError) as error:
            log.warning("the feed does not answer: %s", type(error).__name__)
            content_type, text = refusal_text(scope.path, 503, "The feed is not there: try again later.")
            protocol.response_str(503, [("content-type", content_type), ("retry-after", "5")], text)
        finally:
            done(status)


def request_head(scope: Any) -> bytes:
    """Return the head of a request by HTTP/1.0: its answer ends with the connection, and has no chunks."""
    query = f"?{scope.query_string}" if scope.query_string else ""
    client = scope.client.rpartition(":")[0]
    lines = [f"{scope.method} {scope.path}{query} HTTP/1.0", "connection: close"]
    before = ""
    for name, value in scope.headers.items():
        if name == "x-forwarded-for":
            before = f"{before}{value}, "
        elif name not in _HOP_BY_HOP:
            lines.append(f"{name}: {value}")
    lines.append(f"x-forwarded-for: {before}{client}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def parse_head(head: bytes) -> tuple[int, list[tuple[str, str]]]:
    """Return status and headers of an answer."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return int(first.split(" ", 2)[1]), [pair for pair in headers if pair[0] not in _HOP_BY_HOP]


def _when_gone(protocol: Any, act: Callable[[], Any]) -> None:
    """Act once the client has closed the connection."""
    waiting: Coroutine[Any, Any, None] = _gone(protocol)
    try:
        waiting.send(None).add_done_callback(partial(_finish, waiting, act))
    except StopIteration:
        act()


async def _gone(protocol: Any) -> None:
    await protocol.client_disconnect()


def _finish(waiting: Coroutine[Any, Any, None], act: Callable[[], Any], future: Any) -> None:
    waiting.close()
    act()
