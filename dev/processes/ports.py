"""TCP ports of the loopback interface."""

import random
import socket

from dev.errors import PortTaken

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Return True if a server could listen on ``port`` now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def claim(port: int) -> int:
    """Return ``port``. Raises PortTaken if it is not free."""
    if not is_free(port):
        raise PortTaken(port)
    return port


def pick(preferred: int) -> int:
    """Return ``preferred`` if it is free, else a free port near it.

    Preferred ports lie below the kernel's ephemeral range. Otherwise a client that keeps dialling a server
    that is down would sooner or later get the same port as its own and connect to itself.
    """
    nearby = random.sample(range(preferred + 1, preferred + 1000), 100)
    return next(port for port in (preferred, *nearby) if is_free(port))


def is_listening(port: int) -> bool:
    """Return True if a server accepts connections on ``port``."""
    try:
        socket.create_connection((LOOPBACK, port), 0.5).close()
    except OSError:
        return False
    return True
