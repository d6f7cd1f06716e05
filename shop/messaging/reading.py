"""Reads what the broker sends in gulps: py-amqp reads frames in three pieces, and kombu one at a time.

A message is three frames. With both ways of theirs it takes some twenty system calls; so it takes a few for
all that has arrived.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from shop.messaging.broker import is_plain_tcp

#: Bytes asked for at once.
GULP = 65536
#: Frames handled in a round, before the event loop looks after something else.
ROUND = 1000


def read_in_gulps(connection: Any, hub: Any) -> None:
    """Have the event loop read this py-amqp connection in gulps; over TLS it stays with kombu's way."""
    if is_plain_tcp(connection):
        hub.add_reader(connection.sock, _read, connection, hub)


def _read(connection: Any, hub: Any) -> None:
    """Handle all frames that are here. What is left in the buffer then is less than a frame."""
    try:
        for _ in range(ROUND):
            frame = _next_frame(connection.transport)
            if frame is None:
                return
            connection.on_inbound_frame(frame)
            if not connection.transport:
                return  # what was read has closed it
    except Exception:
        hub.call_soon(_read_on, connection, hub)  # the error may be one channel's, the next frame another's
        raise
    hub.call_soon(_read_on, connection, hub)


def _read_on(connection: Any, hub: Any) -> None:
    if connection.transport and connection.connected:
        _read(connection, hub)


def _next_frame(transport: Any) -> Any:
    """A frame, or None if there is none yet.

    Whoever waits for an answer in the middle of all this reads by py-amqp's own way, from the same buffer.
    """
    exactly = transport._quick_recv
    transport._quick_recv = _gulp(transport.sock)
    try:
        return transport.read_frame()
    except TimeoutError:
        return None
    finally:
        transport._quick_recv = exactly


def _gulp(sock: socket.socket) -> Callable[[int], bytes]:
    def receive(at_least: int) -> bytes:
        try:
            return sock.recv(max(at_least, GULP), socket.MSG_DONTWAIT)
        except BlockingIOError:
            raise TimeoutError from None  # py-amqp keeps what it has of the frame

    return receive
