"""Watchdog of the web processes: it ends one whose view has produced no byte for too long.

It runs in the server, outside of the processes that it watches: a view may hold Python's lock for ever.
"""

import logging
import mmap
import os
import signal
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)

#: Start of a request by the monotonic clock, 0 for none; method and path, cut to fit.
_RECORD = struct.Struct("d256s")


class Desk:
    """A thread's entry in memory that its process shares with the server."""

    def __init__(self, memory: mmap.mmap, number: int) -> None:
        self._memory, self._offset = memory, number * _RECORD.size

    def begin(self, scope: Any) -> None:
        """Note the request of a scope, until clear()."""
        request = f"{scope.method} {scope.path}".encode()[:256]
        _RECORD.pack_into(self._memory, self._offset, time.monotonic(), request)

    def clear(self) -> None:
        """Note that there is nothing to wait for any more."""
        _RECORD.pack_into(self._memory, self._offset, 0.0, b"")

    def read(self) -> tuple[float, str]:
        """Return the seconds since the request began, 0 for none, and the request."""
        began, request = _RECORD.unpack_from(self._memory, self._offset)
        return (time.monotonic() - began if began else 0.0), request.rstrip(b"\0").decode(errors="replace")


class Desks:
    """Desks of all threads of all processes."""

    def __init__(self, *, processes: int, threads: int) -> None:
        memory = mmap.mmap(-1, processes * threads * _RECORD.size)  # inherited and shared by fork
        self._desks = [Desk(memory, number) for number in range(processes * threads)]
        self._threads = threads

    def of_process(self, index: int) -> Sequence[Desk]:
        """Return the desks of a process."""
        return self._desks[index * self._threads : (index + 1) * self._threads]


def watch(desks: Desks, process_ids: Callable[[], Sequence[int]], limit: float) -> None:
    """Look through all desks, and end the processes with a request older than ``limit`` seconds.

    SIGABRT makes such a process print where each of its threads stands.
    """
    for index, process_id in enumerate(process_ids()):
        for desk in desks.of_process(index):
            seconds, request = desk.read()
            if seconds > limit:
                desk.clear()
                log.error("web process %d ended: no answer for %.0f s to %s", process_id, seconds, request)
                os.kill(process_id, signal.SIGABRT)
                break
