"""Ports on the loopback interface: which is free, and what to say when one is not."""

import random
import socket

from dev.errors import PortTaken

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def claim(port: int) -> int:
    """Return ``port`` if it is free; :class:`PortTaken` if not."""
    if not is_free(port):
        raise PortTaken(port)
    return port


def pick(preferred: int) -> int:
    """Return ``preferred`` if it is free, else a free port near it.

    Preferred ports lie below those that the kernel gives to outgoing connections: a client that asks again
    and again for a server that is down would sooner or later be connected to itself.
    """
    nearby = random.sample(range(preferred + 1, preferred + 1000), 100)
    return next(port for port in (preferred, *nearby) if is_free(port))


def answers(port: int) -> bool:
    """Whether somebody accepts connections on ``port``."""
    try:
        socket.create_connection((LOOPBACK, port), 0.5).close()
    except OSError:
        return False
    return True
