"""Clients that begin a head or a body and do not go on, and the time of others meanwhile."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    b"POST /api/v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b'Content-Length: 2000\r\n\r\n{"username": '
)


@contextmanager
def slow_clients(port: int, *, heads: int, bodies: int) -> Iterator[list[socket.socket]]:
    """Hold connections open, each with the beginning of a head or of a body."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    with ExitStack() as stack:
        held = []
        for text in [HEAD] * heads + [BODY] * bodies:
            held.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)))
            held[-1].sendall(text)
        yield held


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def response_times(port: int, path: str, number: int) -> list[float]:
    """Return the seconds of requests, one after the other, each on a connection of its own."""
    times = []
    for _ in range(number):
        began = time.perf_counter()
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        connection.close()
        assert response.status == 200
        times.append(time.perf_counter() - began)
    return times
