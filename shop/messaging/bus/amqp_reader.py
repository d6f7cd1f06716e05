"""Buffered reads of AMQP frames.

A message is three frames. py-amqp reads each in three pieces, and kombu's event loop one frame at a time:
some twenty system calls a message. The buffered reader takes a few for all frames that have arrived.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from shop.messaging.bus.amqp import is_plain_tcp

#: Bytes requested by one read.
READ_SIZE = 16384


def read_buffered(connection: Any, hub: Any) -> None:
    """Register the buffered reader of a py-amqp connection with the event loop; TLS keeps kombu's."""
    if is_plain_tcp(connection):
        hub.add_reader(connection.sock, _read, connection)


def _read(connection: Any) -> None:
    """Handle all complete frames that have arrived. The prefetch bounds their number.

    ``transport`` of a closed connection must not be accessed: py-amqp would reconnect.
    """
    while connection.connected and (frame := _next_frame(connection.transport)):
        connection.on_inbound_frame(frame)


def _next_frame(transport: Any) -> Any:
    """Return the next frame; None if it has not arrived completely.

    The blocking read function is restored afterwards. A frame handler that waits for a reply uses it, with
    the same buffer.
    """
    blocking = transport._quick_recv
    transport._quick_recv = _receiver(transport.sock)
    try:
        return transport.read_frame()
    except TimeoutError:
        return None
    finally:
        transport._quick_recv = blocking


def _receiver(sock: socket.socket) -> Callable[[int], bytes]:
    def receive(at_least: int) -> bytes:
        try:
            return sock.recv(max(at_least, READ_SIZE), socket.MSG_DONTWAIT)
        except BlockingIOError:
            raise TimeoutError from None  # py-amqp keeps the part of a frame that it has

    return receive
