"""Receiver of webhooks: verifies and counts what it gets, and can be made to misbehave in all ways."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook

LOOPBACK = "127.0.0.1"


@dataclass
class Inbox:
    """Requests to one path, and the answers they get."""

    secret: str = ""
    #: Status of the answers.
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    #: Seconds before an answer.
    delay: float = 0.0
    #: Requests get no answer until the receiver is closed or this is cleared.
    hangs: bool = False
    #: Answers drip in, a byte at a time, without an end.
    drips: bool = False
    #: Verified events in the order of their arrival, and those that were answered with 2xx, by id.
    seen: list[dict[str, Any]] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)
    forged: int = 0
    #: Requests that are under way, and the most that ever were.
    running: int = 0
    most: int = 0


class Receiver:
    """Context manager of a receiver with an inbox for each path."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.inboxes: defaultdict[str, Inbox] = defaultdict(Inbox)
        self.lock = threading.Lock()
        self._server: _Server | None = None

    def __enter__(self) -> "Receiver":
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for inbox in self.inboxes.values():
            inbox.hangs = inbox.drips = False
        self.close()

    def open(self) -> None:
        """Listen, for the first time or again."""
        server = _Server((LOOPBACK, self._port), _Handler)
        server.receiver = self
        self._server, self._port = server, server.server_port
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections; those that are open are closed after their next request."""
        server, self._server = self._server, None
        if server:
            server.is_closed = True
            server.shutdown()
            server.server_close()

    def url(self, path: str = "/") -> str:
        """Return the address of an inbox."""
        return f"http://{LOOPBACK}:{self._port}{path}"

    @contextmanager
    def away(self) -> Iterator[None]:
        """Refuse connections within the block."""
        self.close()
        try:
            yield
        finally:
            self.open()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True
    is_closed = False
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: senders end connections when they have waited enough."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""

    def do_POST(self) -> None:
        """Verify a webhook, count it and answer."""
        receiver, body = self.server.receiver, self.rfile.read(int(self.headers["Content-Length"]))
        inbox = receiver.inboxes[urlsplit(self.path).path]
        with receiver.lock:
            inbox.running += 1
            inbox.most = max(inbox.most, inbox.running)
        try:
            self._work(inbox, body)
        finally:
            with receiver.lock:
                inbox.running -= 1

    def _work(self, inbox: Inbox, body: bytes) -> None:
        event = self._verified(inbox, body)
        if event is None:
            return
        with self.server.receiver.lock:
            inbox.seen.append(event)
        time.sleep(inbox.delay)
        while inbox.hangs:
            time.sleep(0.02)
        if self.server.is_closed:
            self.close_connection = True
            return
        if 200 <= inbox.status < 300 and not inbox.drips:  # first: who has the answer may look right away
            with self.server.receiver.lock:
                inbox.accepted[event["id"]] += 1
        self._answer(inbox)

    def _verified(self, inbox: Inbox, body: bytes) -> dict[str, Any] | None:
        try:
            event: dict[str, Any] = Webhook(inbox.secret).verify(body, dict(self.headers))
            assert event["id"] == self.headers["webhook-id"]  # noqa: S101 - of a test's receiver
        except Exception:  # noqa: BLE001 - whatever it is, it is not genuine
            with self.server.receiver.lock:
                inbox.forged += 1
            self.send_error(400)
            return None
        return event

    def _answer(self, inbox: Inbox) -> None:
        self.send_response(inbox.status)
        for name, value in inbox.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(10**6 if inbox.drips else len(inbox.body)))
        self.end_headers()
        while inbox.drips and not self.server.is_closed:
            self.wfile.write(b".")
            time.sleep(0.05)
        self.wfile.write(inbox.body)
