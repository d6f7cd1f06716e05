"""Web server, configured by the environment: ``python -m shop.serving``."""

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

#: Seconds for requests in progress to finish when the server stops.
_STOP_TIMEOUT = 10
#: Seconds until an idle thread ends, and with it its database connection.
_IDLE_TIMEOUT = 600
#: Seconds between two checks that the parent process is alive.
_POLL_INTERVAL = 0.5
#: Seconds after the replacement of a dead process.
_RESPAWN_DELAY = 0.2


class ResilientServer(MPServer):
    """Granian server that always replaces dead processes; Granian's own exits if one dies twice in 5.5 s."""

    def _respawn_workers(self, *args: Any, **kwargs: Any) -> None:
        super()._respawn_workers(*args, **kwargs)
        self.respawned_wrks.clear()
        time.sleep(_RESPAWN_DELAY)


def serve() -> None:
    """Serve until a signal stops the server.

    Configured by the environment: SHOP_BIND (host and port), WEB_CONCURRENCY (number of processes),
    WEB_THREADS (threads per process), SHOP_ACCESS_LOG=1 (log each request to stdout).
    """
    host, port = _address(os.environ.get("SHOP_BIND", "127.0.0.1:8000"))
    server = ResilientServer(
        "shop.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        # One process per core; a second thread serves requests while the first one waits.
        workers=int(os.environ.get("WEB_CONCURRENCY", "2")),
        blocking_threads=int(os.environ.get("WEB_THREADS", "2")),
        blocking_threads_idle_timeout=_IDLE_TIMEOUT,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_TIMEOUT,
        log_level=LogLevels.warning,
        log_access=settings.SHOP_ACCESS_LOG,
    )
    # The processes share the imported modules by fork: a quicker start and less memory.
    multiprocessing.set_start_method("fork")
    gc_tuning.freeze()
    server.serve(target_loader=partial(_application, os.getpid()), wrap_loader=False)


def _address(bind: str) -> tuple[str, int]:
    """Return host and port. Exit if they are in use: the kernel would balance clients over both servers."""
    host, _, port = bind.rpartition(":")
    try:
        if not int(port):
            raise ValueError("each process would take a port of its own")
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
        family, *_, (address, *_) = found[0]
        # Granian accepts IPv4 as well if it listens on all addresses of IPv6.
        socket.create_server((address, int(port)), family=family, dualstack_ipv6=address == "::").close()
    except (OSError, OverflowError, ValueError) as error:
        text = f"SHOP_BIND={bind}: {error}. Give an address and a port that is free, as in 127.0.0.1:8000."
        raise SystemExit(text) from error
    return str(address), int(port)


def _application(server_pid: int) -> Callable[..., Any]:
    """Set up a process of the server and return the WSGI application."""
    logging.getLogger("granian.access").addFilter(_quote_path)
    threading.Thread(target=_stop_with_server, args=(server_pid,), daemon=True).start()
    return application


def _quote_path(record: logging.LogRecord) -> bool:
    """Quote the path of an access log record: Granian decodes it, line breaks included."""
    if isinstance(record.args, dict):
        record.args = {**record.args, "path": quote(str(record.args["path"]), encoding="latin-1")}
    return True


def _stop_with_server(server_pid: int) -> None:
    """Stop this process once the server is gone, even by SIGKILL, and so release the port."""
    while os.getppid() == server_pid:
        time.sleep(_POLL_INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_TIMEOUT)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve()
