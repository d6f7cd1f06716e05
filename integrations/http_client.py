"""HTTP requests to endpoints: to checked addresses, without redirects, with an end in any case."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from integrations.addresses import connect

#: Bytes of an answer that are kept.
MAX_ANSWER = 1024
#: Seconds until a connection is there.
CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer of an endpoint: its status, and what else is kept."""

    status: int
    text: str
    retry_after: str


class Connection(http.client.HTTPConnection):
    """Connection to the endpoint of a URL, kept for the next request; it ends with its deadline."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.encrypted = parts.scheme == "https"
        port = parts.port or (443 if self.encrypted else 80)
        super().__init__(parts.hostname or "", port, timeout=CONNECT_TIMEOUT)
        self.url = url
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._host = parts.netloc.rpartition("@")[2]
        #: A second handle of the connection, which ends it from another thread.
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Connect to a checked address."""
        raw = connect(self.host, self.port, timeout=CONNECT_TIMEOUT, encrypted=self.encrypted)
        self._hold(raw.dup())
        self.sock = _tls().wrap_socket(raw, server_hostname=self.host) if self.encrypted else raw

    def discard(self) -> None:
        """Close the connection, and its second handle.

        close() leaves that open: http.client calls it before it reads the last answer of a connection.
        """
        self.close()
        self._hold(None)

    def _hold(self, handle: socket.socket | None) -> None:
        with self._lock:
            former, self._handle = self._handle, handle
        if former:
            former.close()

    def end(self) -> None:
        """End the present request from another thread, however slowly its answer drips in."""
        with self._lock:
            if self._handle:
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def post(self, body: bytes, headers: Mapping[str, str], *, timeout: float) -> Answer:
        """Send a request and return the answer, of whatever status. A redirect is not followed.

        Raises:
            AddressRefused: the address may not be reached.
            OSError, HTTPException: there was no answer.
        """
        is_new = self.sock is None
        try:
            return self._post(body, headers, timeout)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.discard()
            if is_new:
                raise
        return self._post(body, headers, timeout)  # the endpoint had closed the connection meanwhile

    def _post(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(timeout)
        self.request("POST", self._path, body, {"Host": self._host, **headers})
        response = self.getresponse()
        text = response.read(MAX_ANSWER)
        if not response.isclosed() and response.read(1):
            self.close()  # the rest is not waited for
        if self.sock is None:
            self.discard()
        return Answer(
            response.status, text.decode(errors="replace"), (response.headers.get("Retry-After") or "")[:100]
        )


class Deadlines:
    """Ends requests that take too long altogether, which no timeout of a socket does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Connection, float] = {}

    def begin(self, connection: Connection) -> None:
        """Watch the request that begins now."""
        self._running[connection] = time.monotonic() + self._seconds

    def done(self, connection: Connection) -> None:
        """Watch it no more."""
        self._running.pop(connection, None)

    def enforce(self) -> None:
        """End the requests that are past their deadlines."""
        now = time.monotonic()
        for connection, deadline in list(self._running.items()):
            if deadline < now:
                connection.end()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
