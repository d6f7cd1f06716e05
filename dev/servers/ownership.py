"""Exclusive ownership of private servers, and their start on data that a crash left behind."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from dev.errors import AlreadyRunning, ScriptError, ServerFailed
from dev.processes.children import Child, has_ended


def hold_lock(path: Path, command: str) -> IO[str]:
    """Lock ``path`` until the returned file is closed or this process ends. Raises AlreadyRunning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRunning(command) from None
    return lock


def wait_for_predecessor(pid_file: Path, marker: str, *, timeout: float = 30.0) -> None:
    """Wait for the end of the server that ``pid_file`` names: it may still be shutting down.

    The process counts only if it has ``marker`` in its command line or environment; otherwise its number has
    been given to another program.
    """
    deadline = time.monotonic() + timeout
    while (pid := _pid_in(pid_file)) and _runs(pid, marker):
        if time.monotonic() > deadline:
            raise ScriptError(f"process {pid} still uses {marker}: stop it first (kill {pid}).")
        time.sleep(0.1)


def erase(home: Path, pid_file: Path, marker: str) -> None:
    """Remove a server's ``home`` once its earlier process has ended."""
    wait_for_predecessor(pid_file, marker)
    shutil.rmtree(home, ignore_errors=True)


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _runs(pid: int, marker: str) -> bool:
    return any(os.fsencode(marker) in _read(Path(f"/proc/{pid}/{name}")) for name in ("cmdline", "environ"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def wait_until_ready(
    name: str, child: Child, is_ready: Callable[[], bool], *, log: Path, timeout: float
) -> None:
    """Wait until ``is_ready()``. Raises ServerFailed with the log if ``child`` ends or takes too long."""
    deadline = time.monotonic() + timeout
    while not is_ready():
        if has_ended(child):
            raise ServerFailed(name, "ended while starting", log)
        if time.monotonic() > deadline:
            raise ServerFailed(name, f"did not get ready within {timeout:.0f} s", log)
        time.sleep(0.03)
