"""The web server: ``python -m shop.serving``; the environment says where, and with how many."""

import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from django.conf import settings
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer

from shop.messaging.worker import gc_tuning
from shop.wsgi import application

#: Seconds that the requests in hand have when the server is asked to stop.
_GRACE = 10
#: Seconds that a thread is kept which has nothing to do: its connection to the database goes with it.
_IDLE = 600
#: Seconds between two looks whether the server is still there.
_LOOK = 0.5
#: Seconds before the next process that died is replaced.
_REST = 0.2


class ResilientServer(MPServer):
    """Replaces its processes however often they die; Granian gives all up when one dies twice in 5.5 s."""

    def _respawn_workers(self, *which: Any, **how: Any) -> None:
        super()._respawn_workers(*which, **how)
        self.respawned_wrks.clear()
        time.sleep(_REST)


def serve() -> None:
    """Serve until we are asked to stop, where and as the environment says.

    SHOP_BIND is host and port, WEB_CONCURRENCY how many processes, WEB_THREADS how many threads in each;
    SHOP_ACCESS_LOG=1 has every request written to stdout.
    """
    host, port = _address(os.environ.get("SHOP_BIND", "127.0.0.1:8000"))
    server = ResilientServer(
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
        log_access=settings.SHOP_ACCESS_LOG,
    )
    # Imported and tidied up once, for all processes: a quicker start and less memory.
    multiprocessing.set_start_method("fork")
    gc_tuning.freeze()
    server.serve(target_loader=partial(_application, os.getpid()), wrap_loader=False)


def _address(bind: str) -> tuple[str, int]:
    """Where to listen. Exits if something else does: the kernel would share clients out between the two."""
    host, _, port = bind.rpartition(":")
    try:
        if not int(port):
            raise ValueError("each process would take a port of its own")
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
        family, *_, (address, *_) = found[0]
        # Granian takes IPv4 as well where it listens on every address of IPv6.
        socket.create_server((address, int(port)), family=family, dualstack_ipv6=address == "::").close()
    except (OSError, OverflowError, ValueError) as error:
        text = f"SHOP_BIND={bind}: {error}. Give an address and a port that is free, as in 127.0.0.1:8000."
        raise SystemExit(text) from error
    return str(address), int(port)


def _application(server: int) -> Callable[..., Any]:
    """What a process of that server serves."""
    logging.getLogger("granian.access").addFilter(_quote_path)
    threading.Thread(target=_stop_with_the_server, args=(server,), daemon=True).start()
    return application


def _quote_path(record: logging.LogRecord) -> bool:
    """Have the log show paths as they came: Granian decodes them, line breaks and all."""
    if isinstance(record.args, dict):
        record.args = {**record.args, "path": quote(str(record.args["path"]), encoding="latin-1")}
    return True


def _stop_with_the_server(server: int) -> None:
    """Stop serving once the server is gone, even by kill -9: its successor wants the port."""
    while os.getppid() == server:
        time.sleep(_LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve()
