"""Ports on the loopback interface: which is free, and what to say when one is not."""

import socket

from script.support.errors import PortTaken

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
    """Return ``preferred`` if it is free, else some free port."""
    if is_free(preferred):
        return preferred
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether somebody accepts connections on ``port``."""
    try:
        socket.create_connection((LOOPBACK, port), 0.5).close()
    except OSError:
        return False
    return True
