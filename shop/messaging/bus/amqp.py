"""AMQP-specific parts of kombu and py-amqp connections."""

from __future__ import annotations

from typing import Any

from amqp.method_framing import frame_writer
from amqp.transport import TCPTransport
from kombu import Connection


def is_amqp(connection: Connection) -> bool:
    """Return whether the broker speaks AMQP: publisher confirms, mandatory flag, dead-letter exchanges."""
    return bool(connection.transport.driver_type == "amqp")


def is_plain_tcp(connection: Any) -> bool:
    """Return whether a py-amqp connection is without TLS, and so reads the socket itself."""
    return type(connection.transport) is TCPTransport


class BufferedWriter:
    """Buffers the frames sent over a py-amqp connection in its block, and writes them at once at the end."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._frames: list[bytes] = []
        self._writer = frame_writer(connection, self)

    def write(self, frame: bytes | memoryview) -> None:
        """Buffer a frame, in place of py-amqp's transport."""
        self._frames.append(bytes(frame))

    def __enter__(self) -> None:
        self._plain_writer = self._connection.frame_writer
        self._connection.frame_writer = self._writer

    def __exit__(self, error: type[BaseException] | None, *exc_info: object) -> None:
        self._connection.frame_writer = self._plain_writer
        frames, self._frames = self._frames, []
        if frames and not error:
            self._connection.transport.write(b"".join(frames))
