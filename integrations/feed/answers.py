"""Answers of the shop's views to requests that came by ASGI."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

from django.db import close_old_connections

from integrations.feed import pages
from integrations.feed.grants import SLOT, Grant
from integrations.feed.pages import Page
from shop.wsgi import application

Headers = list[tuple[bytes, bytes]]
#: Headers of a grant that describe its empty body.
_OF_BODY = {b"content-type", b"content-length", b"etag"}


class Answer:
    """Answer of a view: a grant, or else what is to be sent."""

    def __init__(self, environ: dict[str, Any]) -> None:
        """Call the WSGI application. It asks the database, so call this in a thread."""
        slot: list[Grant] = []
        self.status = 500
        self.headers: Headers = []
        chunks = application({**environ, "wsgi.input": BytesIO(), SLOT: slot}, self._start)
        try:
            self.body = b"".join(chunks)
        finally:
            chunks.close()
        self.grant = slot[0] if slot and self.status == 200 else None

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.status = int(status[:3])
        self.headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]

    @property
    def headers_of_grant(self) -> Headers:
        """Headers such as those of security and of limits, which belong to any body."""
        return [(name, value) for name, value in self.headers if name not in _OF_BODY]


def read_page(grant: Grant, *, after: int, until: int | None = None) -> Page:
    """Read a page, up to the log's horizon by default. Call this in a thread."""
    close_old_connections()
    try:
        return pages.read(grant, after=after, until=pages.horizon() if until is None else until)
    finally:
        close_old_connections()


def environ_of(scope: dict[str, Any]) -> dict[str, Any]:
    """Return WSGI's environment, without headers with underscores: they would pass for others."""
    host, port = scope.get("server") or ("localhost", None)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port or 80),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "CONTENT_LENGTH": "0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if "_" in name or name in ("content-length", "content-type", "transfer-encoding"):
            continue
        key = f"HTTP_{name.upper().replace('-', '_')}"
        joint = "; " if name == "cookie" else ","
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    return environ
