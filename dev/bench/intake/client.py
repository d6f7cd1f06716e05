"""Customers who keep their connections: one process without threads, for it shares the cores with the shop.

Without a pace each customer orders again as soon as an answer is there. At a pace orders fall due by the
clock, and the time until the answer counts from there, also where all customers wait for earlier ones.
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
#: Different requests; they are sent again and again.
_REQUESTS = 1000
#: Seconds without any answer after which nobody answers.
_PATIENCE = 60.0


def length_of(answer: bytes) -> int | None:
    """The bytes of a whole answer whose beginning this is; None while its head is not complete."""
    head, end, _ = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    found = _LENGTH.search(head)
    return len(head) + len(end) + (int(found[1]) if found else 0)


class Customer:
    """One connection; an order at a time."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._port, self._selector = port, selector
        self._answer, self.asked = b"", 0.0
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection((LOOPBACK, self._port), timeout=_PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)

    def order(self, request: bytes, due: float) -> None:
        """Send an order that has been ``due`` since then."""
        self._answer, self.asked = b"", due
        self._socket.sendall(request)

    def has_answer(self) -> bool:
        """Read what there is; whether the answer is complete. Raises RuntimeError if it is a refusal."""
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


class Crowd:
    """All customers, and what they have seen."""

    def __init__(self, port: int, clients: int, orders: Sequence[bytes], rate: float) -> None:
        self._selector = selectors.DefaultSelector()
        self._idle = deque(Customer(port, self._selector) for _ in range(clients))
        self._clients, self._orders, self._rate = clients, orders, rate
        self._sent, self._stopping = 0, False
        #: Of each order when it was answered, and after how many seconds.
        self.answers: list[tuple[float, float]] = []

    def stop(self, *_: object) -> None:
        """Order nothing more."""
        self._stopping = True

    def run(self, seconds: float) -> None:
        """Order for so long, and wait for the last answers."""
        self._started = time.time()
        while True:
            self._stopping |= time.time() - self._started > seconds
            if not self._stopping:
                self._send()
            elif len(self._idle) == self._clients:
                return
            self._read()

    def _send(self) -> None:
        while self._idle and (due := self._next_due()) <= time.time():
            self._idle.popleft().order(self._orders[self._sent % len(self._orders)], due)
            self._sent += 1

    def _next_due(self) -> float:
        return self._started + self._sent / self._rate if self._rate else time.time()

    def _read(self) -> None:
        wait = _PATIENCE
        if self._idle:
            wait = 0.1 if self._stopping else max(0.0, self._next_due() - time.time())
        ready = self._selector.select(wait)
        if not ready and not self._idle:
            raise RuntimeError(f"no answer for {_PATIENCE:.0f} s")
        for key, _ in ready:
            customer: Customer = key.data
            if customer.has_answer():
                now = time.time()
                self.answers.append((now, now - customer.asked))
                self._idle.append(customer)


def main() -> None:
    """Order until the time is up or we are asked to stop; then write down what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--tokens", type=Path, required=True)
    parser.add_argument("--skus", type=Path, required=True)
    parser.add_argument("--answers", type=Path, required=True)
    options = parser.parse_args()
    tokens = json.loads(options.tokens.read_text()).values()
    orders = requests.write(tokens, json.loads(options.skus.read_text()), _REQUESTS)
    crowd = Crowd(options.port, options.clients, orders, options.rate)
    signal.signal(signal.SIGTERM, crowd.stop)
    crowd.run(options.seconds)
    options.answers.write_text(json.dumps(crowd.answers))


if __name__ == "__main__":
    main()
