"""Processes of a deployment under test, forked by a server that has imported the libraries."""

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from dev.paths import ROOT
from dev.processes import children
from dev.processes.children import Child, kill_child, open_log
from tests.support.fork_server import Request

_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)
#: Seconds until the server has imported the libraries, on a busy machine, and has forked.
_TIMEOUT = 60.0


class Fork:
    """A forked process, with what tests use of :class:`subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code of a process that has ended, which this reaps."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process and return its exit code. Raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + timeout if timeout is not None else None
        while (code := self.poll()) is None:
            if deadline and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start_child(argv: Sequence[str | Path], *, env: Mapping[str, str], log: Path) -> Fork | Child:
    """Fork a Python program as ``dev.processes.children.start_child`` starts it; execute any other."""
    if not _is_python(argv):
        return children.start_child(argv, env=env, log=log)
    with open_log(log) as output, open(os.devnull) as nothing:
        return start_fork(
            argv, env=env, files=(nothing.fileno(), output.fileno(), output.fileno()), umask=0o077
        )


def run(
    argv: Sequence[str], *, env: Mapping[str, str], timeout: float | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a Python program to its end, as :func:`subprocess.run` does that captures its output."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as errors, open(os.devnull) as nothing:
        files = [file.fileno() for file in (nothing, out, errors)]
        child = start_fork(argv, env=env, files=files)
        try:
            code = child.wait(timeout)
        finally:
            kill_child(child)
        out.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(argv, code, out.read(), errors.read())


def start_fork(
    argv: Sequence[str | Path], *, env: Mapping[str, str], files: Sequence[int], umask: int = -1
) -> Fork:
    """Fork a Python program with ``files`` as standard input, output and error output.

    Only the main thread may call this: the process ends with the thread that is its parent.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("fork processes from the main thread: they die with their thread")
    nice, arguments = _arguments([str(argument) for argument in argv])
    request = Request(nice=nice, arguments=arguments, env=dict(env), umask=umask, caller=os.getpid())
    connection = _server()
    with _adopting_orphans():
        socket.send_fds(connection, [request.encode()], list(files))
        return Fork(int(connection.recv(32)))


def _arguments(argv: Sequence[str]) -> tuple[int, Sequence[str]]:
    """Return niceness and Python's arguments of a command line."""
    nice = 0
    if argv[:2] == ["nice", "-n"]:
        nice, argv = int(argv[2]), argv[3:]
    return nice, argv[1:]


def _is_python(argv: Sequence[str | Path]) -> bool:
    """Tell whether a command line, perhaps with ``nice -n``, is one of this Python."""
    return sys.executable in {str(argument) for argument in (*argv[:1], *argv[3:4])}


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Become the parent of descendants whose own parent ends."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@cache
def _server() -> socket.socket:
    """Return the connection to this process's server, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_TIMEOUT)
    with theirs:
        argv = [sys.executable, "-m", "tests.support.fork_server"]
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(argv, env=env, cwd=ROOT, stdin=theirs, start_new_session=True)
    atexit.register(_end, ours, process)
    return ours


def _end(connection: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    connection.close()
    process.wait(_TIMEOUT)
