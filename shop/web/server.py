"""Granian as the server around the front, where its own ways do not fit.

Its threads run the front themselves: an event loop between server and threads costs a quarter of the orders.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from granian import _granian, _signals, rsgi
from granian._granian import CallbackScheduler
from granian.server.common import WORKERS_METHODS
from granian.server.mp import MPServer, WorkerProcess

from shop.web.front import AccessLog, Front, Inline

#: Parts of Granian that have no types, or those of an earlier release.
_Worker: Any = _granian.RSGIWorker
_catch_signals: Any = _signals.set_sync_signals
_access_log: Any = rsgi._build_access_logger
_child: Any = WorkerProcess.wrap_target
#: Makes the front of a process.
FrontMaker = Callable[[AccessLog | None], Front]
#: Seconds until an idle thread ends, and with it its database connection.
_IDLE_TIMEOUT = 600
#: Seconds between two looks at bodies on their way.
_TICK = 0.2
#: Seconds after the replacement of a dead process.
_RESPAWN_DELAY = 0.2


class ResilientServer(MPServer):
    """Granian server that always replaces dead processes; Granian's own exits if one dies twice in 5.5 s."""

    def _spawn_worker(  # type: ignore[override]  # the base class of threads has one argument more
        self, idx: int, target: Any, callback_loader: Callable[[int], Any]
    ) -> Any:
        """Tell each process its number."""
        return super()._spawn_worker(idx, target, partial(callback_loader, idx))

    def _respawn_workers(self, *args: Any, **kwargs: Any) -> None:
        super()._respawn_workers(*args, **kwargs)
        self.respawned_wrks.clear()
        time.sleep(_RESPAWN_DELAY)

    def process_ids(self) -> list[int]:
        """Return the ids of the processes, in their order."""
        return [worker.inner.pid for worker in list(self.wrks)]


class Scheduler(CallbackScheduler):
    """Granian's way to Python: hands each request to the front."""

    def __new__(cls, front: Front) -> "Scheduler":
        """Leave out what Granian has for coroutines."""
        return super().__new__(cls, Inline, front.take, None, None, None)  # type: ignore[call-arg]

    def __init__(self, front: Front) -> None:
        self._schedule_fn = front.take


def spawn_target(threads: int) -> Callable[..., None]:
    """Return the main function of a process that answers requests in ``threads`` threads."""

    def run(
        worker_id: int, make_front: FrontMaker, listening: Any, ipc: Any, _loop: Any, *options: Any
    ) -> None:
        """Serve until a signal; the options are those of Granian for an RSGI application, in its order."""
        mode, *of_runtime, _threads, _idle, backpressure, _task = options[:7]
        *of_http, log_format, tls, _scope, metrics = options[7:]
        of_python = (threads, _IDLE_TIMEOUT, backpressure)
        worker = _Worker(worker_id, listening, ipc, *of_runtime, *of_python, *of_http, *tls, metrics)
        front = make_front(_access_log(log_format) if log_format else None)
        _serve(getattr(worker, WORKERS_METHODS[mode][False]), front)

    target: Callable[..., None] = _child(run)
    return target


def _serve(serve: Callable[..., None], front: Front) -> None:
    stop, stopped = _catch_signals(), threading.Event()
    stop.add_cb(stopped.set)
    serve(Scheduler(front), Inline, stop)
    while not stopped.wait(_TICK):
        front.refuse_late()
