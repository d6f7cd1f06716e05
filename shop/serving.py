"""The web server: ``python -m shop.serving``; the environment says where, and with how many."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from shop import garbage
from shop.wsgi import application

#: Seconds that the requests in hand have when the server is asked to stop.
_GRACE = 10
#: Seconds that a thread is kept which has nothing to do: its connection to the database goes with it.
_IDLE = 600


def serve() -> None:
    """Serve until we are asked to stop, where and as the environment says.

    SHOP_BIND is host and port, WEB_CONCURRENCY how many processes, WEB_THREADS how many threads in each;
    SHOP_ACCESS_LOG, if it is set, has every request written to stdout.
    """
    host, port = _address(os.environ.get("SHOP_BIND", "127.0.0.1:8000"))
    Server(
        "shop.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        # A process per core keeps Python busy; with a second thread something slow does not hold it up.
        workers=int(os.environ.get("WEB_CONCURRENCY", "2")),
        blocking_threads=int(os.environ.get("WEB_THREADS", "2")),
        blocking_threads_idle_timeout=_IDLE,
        respawn_failed_workers=True,
        workers_kill_timeout=_GRACE,
        log_level=LogLevels.warning,
        log_access=bool(os.environ.get("SHOP_ACCESS_LOG")),
    ).serve(target_loader=_application, wrap_loader=False)


def _address(bind: str) -> tuple[str, int]:
    """Where to listen. Exits if something else does: the kernel would share clients out between the two."""
    host, _, port = bind.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
        family, *_, (address, *_) = found[0]
        socket.create_server((address, int(port)), family=family).close()
    except (OSError, OverflowError, ValueError) as error:
        text = f"SHOP_BIND={bind}: {error}. Give an address and a port that is free, as in 127.0.0.1:8000."
        raise SystemExit(text) from error
    return str(address), int(port)


def _application() -> Callable[..., Any]:
    """What a process serves: imported once, before it was forked, for a quicker start and less memory."""
    threading.Thread(target=_stop_with_the_server, daemon=True).start()
    garbage.settle()
    return application


def _stop_with_the_server() -> None:
    """Stop serving once the server is gone, even by kill -9: its successor wants the port."""
    if server := multiprocessing.parent_process():
        server.join()
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    serve()
