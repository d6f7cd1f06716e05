"""HTTP server of a provider's stand-in, and the switches that all of them have."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Fault:
    """Failure of requests whose ``POST /path`` matches a pattern."""

    #: One of the kinds that the stand-in knows.
    kind: str
    pattern: str = ".*"
    #: Act before the answer.
    acts: bool = False
    #: Requests that it hits; None for all.
    calls: int | None = None


class HttpStandIn:
    """Stand-in of a provider, serving in threads of this process."""

    handler: type[BaseHTTPRequestHandler]

    def __init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.server.daemon_threads = True
        self.server.stand_in = self  # type: ignore[attr-defined]
        self.reset()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def reset(self) -> None:
        """Forget everything."""
        self.faults: list[Fault] = []
        #: Requests as they came, each with its ``call``.
        self.seen: list[Any] = []
        self.lock = threading.RLock()
        #: Called within each request before it acts, outside of the lock.
        self.before_acting: Callable[[str], None] = lambda call: None
        self.released = threading.Event()

    @contextmanager
    def failing(self, kind: str, pattern: str = ".*", **options: Any) -> Iterator[None]:
        """Fail requests within the block."""
        fault = Fault(kind, pattern, **options)
        self.faults.append(fault)
        try:
            yield
        finally:
            self.faults.remove(fault)

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def calls(self, pattern: str) -> list[Any]:
        return [seen for seen in self.seen if re.fullmatch(pattern, seen.call)]

    def fault_of(self, call: str) -> Fault | None:
        """Return the fault that hits a call, if any, and count it."""
        with self.lock:
            for fault in self.faults:
                if fault.calls != 0 and re.fullmatch(fault.pattern, call):
                    fault.calls = fault.calls - 1 if fault.calls else fault.calls
                    return fault
        return None


class SilentHandler:
    """Part of a handler: one connection for many requests, and no log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args: Any) -> None:
        """Stay silent."""
