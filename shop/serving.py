"""Web server, configured by the environment: ``python -m shop.serving``."""

import faulthandler
import logging
import multiprocessing
import os
import re
import resource
import signal
import socket
import threading
import time
from functools import partial
from urllib.parse import quote

from django.conf import settings
from django.utils.module_loading import import_string
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from shop.messaging.errors import NotOpened
from shop.messaging.worker import gc_tuning
from shop.web.forwarding import Forwarder
from shop.web.front import AccessLog, Front, Limits
from shop.web.server import FrontMaker, ResilientServer, spawn_target
from shop.web.watchdog import Desks, watch
from shop.wsgi import application

#: Seconds for requests in progress to finish when the server stops.
_STOP_TIMEOUT = 10
#: Connections of a process. A slow or idle one costs memory, and no thread.
_CONNECTIONS = 4096
#: Files and sockets of a process beside its connections.
_OTHER_FILES = 256
#: Bytes of the head of a request.
_MAX_HEAD = 64 * 1024
#: Seconds between two checks that the parent process is alive.
_POLL_INTERVAL = 0.5
#: Paths with a token that opens something to whoever has it.
_SECRET = re.compile(r"^(/(?:o|accounts/confirm|accounts/password/[^/]+)/[^/]{8})[^/]+")


def serve() -> None:
    """Serve until a signal stops the server.

    Configured by the environment: SHOP_BIND (host and port), WEB_CONCURRENCY (number of processes),
    WEB_THREADS (threads per process), SHOP_ACCESS_LOG=1 (log each request to stdout), and the limits of
    slow clients and slow views in the settings.
    """
    refuse_restored_database()
    host, port = address_of("SHOP_BIND", "127.0.0.1:8000")
    # One process per core; a second thread serves requests while the first one waits.
    processes, threads = (int(os.environ.get(f"WEB_{name}", "2")) for name in ("CONCURRENCY", "THREADS"))
    connections = allow_connections()
    server = ResilientServer(
        "shop.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        http1_settings=heads(),
        websockets=False,
        workers=processes,
        backlog=connections,
        backpressure=connections,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_TIMEOUT,
        log_level=LogLevels.warning,
        log_access=settings.SHOP_ACCESS_LOG,
    )
    share_modules()
    desks = Desks(processes=processes, threads=threads)
    threading.Thread(target=_watch, args=(server, desks), daemon=True).start()
    note = import_string("shop.metrics.web.start")() if settings.SHOP_METRICS else None
    load = partial(_load, os.getpid(), desks, note)
    server.serve(spawn_target(threads), target_loader=load, wrap_loader=False)


def refuse_restored_database() -> None:
    """Exit if the database was restored and not opened: numbers of orders would be given twice."""
    try:
        import_string("shop.messaging.restores.opening.check_at_start")()
    except NotOpened as error:
        raise SystemExit(str(error)) from error


def allow_connections() -> int:
    """Raise the limit of open files, also for child processes; return the connections that it allows."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CONNECTIONS + _OTHER_FILES
    files = max(files, wanted if most == resource.RLIM_INFINITY else min(wanted, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return min(_CONNECTIONS, files - _OTHER_FILES)


def share_modules() -> None:
    """Have processes share the imported modules by fork: a quicker start and less memory."""
    multiprocessing.set_start_method("fork")
    gc_tuning.freeze()


def _watch(server: ResilientServer, desks: Desks) -> None:
    limit = settings.SHOP_VIEW_TIMEOUT.total_seconds()
    while True:
        time.sleep(_POLL_INTERVAL)
        watch(desks, server.process_ids, limit)


def heads() -> HTTP1Settings:
    """Return the limits of the heads of requests."""
    return HTTP1Settings(
        header_read_timeout=int(settings.SHOP_HEAD_TIMEOUT.total_seconds() * 1000), max_buffer_size=_MAX_HEAD
    )


def address_of(variable: str, default: str) -> tuple[str, int]:
    """Return host and port that a variable names.

    Exit if they are in use: the kernel would balance clients over both servers.
    """
    bind = os.environ.get(variable, default)
    host, _, port = bind.rpartition(":")
    try:
        if not int(port):
            raise ValueError("each process would take a port of its own")
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
        family, *_, (address, *_) = found[0]
        # Granian accepts IPv4 as well if it listens on all addresses of IPv6.
        socket.create_server((address, int(port)), family=family, dualstack_ipv6=address == "::").close()
    except (OSError, OverflowError, ValueError) as error:
        text = f"{variable}={bind}: {error}. Give an address and a port that is free, as in 127.0.0.1:8000."
        raise SystemExit(text) from error
    return str(address), int(port)


def _load(server_pid: int, desks: Desks, note: AccessLog | None, index: int) -> FrontMaker:
    """Set up a process of the server and return the maker of its front."""
    logging.getLogger("granian.access").addFilter(_quote_path)
    stop_with(server_pid)
    import_string("shop.messaging.restores.opening.guard_connections")()
    faulthandler.enable()  # for the watchdog's SIGABRT, without a core dump
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limits = Limits(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.SHOP_BODY_TIMEOUT.total_seconds())
    forwarder = Forwarder(settings.SHOP_FEED) if ":" in settings.SHOP_FEED else None
    front = partial(Front, application, desks.of_process(index), limits, forwarder=forwarder)
    return lambda access_log: front(*filter(None, (note, access_log)))


def _quote_path(record: logging.LogRecord) -> bool:
    """Quote the path of an access log record: Granian decodes it, line breaks included.

    Of the tokens in links of e-mails it keeps the beginning.
    """
    if isinstance(record.args, dict):
        record.args = {**record.args, "path": _SECRET.sub(r"\1…", quote(str(record.args["path"])))}
    return True


def stop_with(server_pid: int) -> None:
    """Stop this process once the server is gone, even by SIGKILL, and so release the port."""
    threading.Thread(target=_stop_with_server, args=(server_pid,), daemon=True).start()


def _stop_with_server(server_pid: int) -> None:
    while os.getppid() == server_pid:
        time.sleep(_POLL_INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_TIMEOUT)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve()
