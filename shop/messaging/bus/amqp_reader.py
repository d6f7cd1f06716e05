"""Reads what the broker sends in gulps: py-amqp reads frames in three pieces, and kombu one at a time.

A message is three frames. With both ways of theirs it takes some twenty system calls; so it takes a few for
all that has arrived.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from shop.messaging.bus.amqp import is_plain_tcp

#: Bytes asked for at once.
READ_SIZE = 16384


def read_buffered(connection: Any, hub: Any) -> None:
    """Have the event loop read this py-amqp connection in gulps; over TLS it stays with kombu's way."""
    if is_plain_tcp(connection):
        hub.add_reader(connection.sock, _read, connection)


def _read(connection: Any) -> None:
    """Handle all frames that are here: no more than the prefetch allows. Less than a frame is left then.

    Of a connection that is closed nothing is asked but that: py-amqp would open it again.
    """
    while connection.connected and (frame := _next_frame(connection.transport)):
        connection.on_inbound_frame(frame)


def _next_frame(transport: Any) -> Any:
    """A frame, or None if there is none yet.

    Whoever waits for an answer in the middle of all this reads by py-amqp's own way, from the same buffer.
    """
    exactly = transport._quick_recv
    transport._quick_recv = _receiver(transport.sock)
    try:
        return transport.read_frame()
    except TimeoutError:
        return None
    finally:
        transport._quick_recv = exactly


def _receiver(sock: socket.socket) -> Callable[[int], bytes]:
    def receive(at_least: int) -> bytes:
        try:
            return sock.recv(max(at_least, READ_SIZE), socket.MSG_DONTWAIT)
        except BlockingIOError:
            raise TimeoutError from None  # py-amqp keeps what it has of the frame

    return receive
