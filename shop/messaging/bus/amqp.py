"""AMQP details of kombu and py-amqp connections."""

from __future__ import annotations

from typing import Any

from amqp.method_framing import frame_writer
from amqp.transport import TCPTransport
from kombu import Connection


def is_amqp(connection: Connection) -> bool:
    """Whether this is a real AMQP broker, with confirms, mandatory routing and dead-letter exchanges."""
    return bool(connection.transport.driver_type == "amqp")


def is_plain_tcp(connection: Any) -> bool:
    """Whether this py-amqp connection reads its socket itself, and leaves that to no TLS library."""
    return type(connection.transport) is TCPTransport


class BufferedWriter:
    """Gathers what is sent in its block over a py-amqp connection, and sends it in one write at the end."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._frames: list[bytes] = []
        self._writer = frame_writer(connection, self)

    def write(self, frame: bytes | memoryview) -> None:
        """Stand in for py-amqp's transport."""
        self._frames.append(bytes(frame))

    def __enter__(self) -> None:
        self._plain_writer = self._connection.frame_writer
        self._connection.frame_writer = self._writer

    def __exit__(self, error: type[BaseException] | None, *exc_info: object) -> None:
        self._connection.frame_writer = self._plain_writer
        frames, self._frames = self._frames, []
        if frames and not error:
            self._connection.transport.write(b"".join(frames))
