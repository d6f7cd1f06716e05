"""Requests of Kafka's protocol that tell whether a broker serves clients."""

import socket
import struct

from dev.processes.ports import LOOPBACK

_METADATA = 3
#: Its oldest version, which Kafka 0.9 and today's brokers answer alike: all topics.
_REQUEST = struct.pack(">hhih4si", _METADATA, 0, 1, 4, b"shop", 0)


def serves_clients(port: int) -> bool:
    """Return whether the broker at ``port`` names itself in its metadata; its port opens earlier."""
    try:
        with socket.create_connection((LOOPBACK, port), 1) as connection:
            connection.sendall(struct.pack(">i", len(_REQUEST)) + _REQUEST)
            with connection.makefile("rb") as answer:
                head = answer.read(12)
                return len(head) == 12 and struct.unpack(">i", head[8:])[0] > 0
    except OSError:
        return False
