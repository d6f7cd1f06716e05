"""Customers with persistent connections, in one process without threads: it shares the cores with the shop.

Without a rate, each customer orders again as soon as it has a response. With a rate, orders fall due by the
clock, and the response time counts from there, even if all customers still wait for earlier responses.
"""

import argparse
import json
import re
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from dev.bench import requests
from dev.processes.ports import LOOPBACK

_CREATED = b"HTTP/1.1 201 "
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
#: Number of different requests, sent again and again.
_REQUESTS = 1000
#: Seconds without any response after which the run fails.
_IDLE_TIMEOUT = 60.0


def length_of(answer: bytes) -> int | None:
    """Return the length of a response from its beginning; None while its head is incomplete."""
    head, end, _ = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    found = _LENGTH.search(head)
    return len(head) + len(end) + (int(found[1]) if found else 0)


class Customer:
    """A connection with one order at a time."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._port, self._selector = port, selector
        self._answer, self.asked = b"", 0.0
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection((LOOPBACK, self._port), timeout=_IDLE_TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def order(self, request: bytes, due: float) -> None:
        """Send an order that was ``due`` at that time."""
        self._answer, self.asked = b"", due
        self._socket.sendall(request)

    def has_answer(self) -> bool:
        """Read available data; True if the response is complete. Raises RuntimeError for a refusal."""
        read = self._socket.recv(65536)
        self._answer += read
        length = length_of(self._answer)
        if read and (length is None or len(self._answer) < length):
            return False
        if not self._answer.startswith(_CREATED):
            raise RuntimeError(f"the shop answered {self._answer[:2000]!r}")
        if not read or _CLOSE.search(self._answer.partition(b"\r\n\r\n")[0] + b"\r\n"):
            self._selector.unregister(self._socket)
            self._socket.close()
            self._connect()
        return True


class Customers:
    """All customers and their response times."""

    def __init__(self, port: int, clients: int, orders: Sequence[bytes], rate: float, limit: int = 0) -> None:
        self._selector = selectors.DefaultSelector()
        self._idle = deque(Customer(port, self._selector) for _ in range(clients))
        self._clients, self._orders, self._rate = clients, orders, rate
        #: Number of orders in all; 0 for no limit.
        self._limit = limit
        self._sent, self._stopping = 0, False
        #: Time of each response, and its delay in seconds.
        self.answers: list[tuple[float, float]] = []

    def stop(self, *_: object) -> None:
        """Stop ordering."""
        self._stopping = True

    def run(self, seconds: float) -> None:
        """Order for ``seconds`` and wait for the last responses."""
        self._started = time.time()
        while True:
            self._stopping |= time.time() - self._started > seconds or self._is_complete()
            if not self._stopping:
                self._send()
            elif len(self._idle) == self._clients:
                return
            self._read()

    def _send(self) -> None:
        while self._idle and not self._is_complete() and (due := self._next_due()) <= time.time():
            self._idle.popleft().order(self._orders[self._sent % len(self._orders)], due)
            self._sent += 1

    def _is_complete(self) -> bool:
        return bool(self._limit) and self._sent >= self._limit

    def _next_due(self) -> float:
        return self._started + self._sent / self._rate if self._rate else time.time()

    def _read(self) -> None:
        wait = _IDLE_TIMEOUT
        if self._idle:
            wait = 0.1 if self._stopping else max(0.0, self._next_due() - time.time())
        ready = self._selector.select(wait)
        if not ready and not self._idle:
            raise RuntimeError(f"no answer for {_IDLE_TIMEOUT:.0f} s")
        for key, _ in ready:
            customer: Customer = key.data
            if customer.has_answer():
                now = time.time()
                self.answers.append((now, now - customer.asked))
                self._idle.append(customer)


def main() -> None:
    """Order until the time is up or SIGTERM, then write the response times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("--skus", type=Path, required=True)
    parser.add_argument("--answers", type=Path, required=True)
    options = parser.parse_args()
    tokens = json.loads(options.tokens.read_text()).values()
    orders = requests.write(tokens, json.loads(options.skus.read_text()), _REQUESTS)
    customers = Customers(options.port, options.clients, orders, options.rate, options.limit)
    signal.signal(signal.SIGTERM, customers.stop)
    customers.run(options.seconds)
    options.answers.write_text(json.dumps(customers.answers))


if __name__ == "__main__":
    main()
