"""Child processes that the kernel ends when their parent dies, even by SIGKILL."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from dev.errors import ScriptError
from dev.paths import ROOT

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Child(Protocol):
    """A child process, such as a :class:`subprocess.Popen`."""

    pid: int
    #: Exit code once it is reaped; None before. (Popen has it as Any.)
    returncode: Any

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, reap it and return its exit code."""


def start_child(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: Path | None,
    user: pwd.struct_passwd | None = None,
    parent_death_signal: signal.Signals = signal.SIGKILL,
    cwd: Path = ROOT,
) -> "subprocess.Popen[bytes]":
    """Start a child in a session of its own. It writes to ``log``, or to our own output if that is None.

    The kernel sends it ``parent_death_signal`` when this process ends, however that happens. Only the main
    thread may call this: the kernel watches the thread that started the child, not the process.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start child processes from the main thread: they die with their thread")
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(open_log(log)) if log else None
        return subprocess.Popen(
            [str(arg) for arg in argv],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL if log else None,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_set_parent_death_signal(os.getpid(), parent_death_signal),
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            umask=0o077 if log else -1,  # what a server or program of the shop writes is for its owner alone
        )


def open_log(log: Path) -> IO[bytes]:
    """Open a log for appending, for its owner alone."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = log.open("ab")
    os.fchmod(file.fileno(), 0o600)
    return file


def _set_parent_death_signal(parent: int, number: signal.Signals) -> Callable[[], None]:
    def set_signal() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return set_signal


def stop_children(
    children: Sequence[Child], *, by: signal.Signals = signal.SIGTERM, grace: float = 15.0
) -> list[Child]:
    """Ask all ``children`` to stop, kill the rest after ``grace`` seconds, and return those killed."""
    for child in children:
        send(child, by)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and not all(has_ended(child) for child in children):
        time.sleep(0.02)
    late = [child for child in children if not has_ended(child)]
    for child in children:
        kill_child(child)
    return late


def has_ended(child: Child) -> bool:
    """Return True if ``child`` has ended. It stays a zombie until :func:`kill_child` reaps it."""
    if child.returncode is not None:
        return True
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def send(child: Child, number: signal.Signals) -> None:
    """Send a signal to ``child`` alone, if it still runs."""
    if child.returncode is None:
        os.kill(child.pid, number)


def child_pids(child: Child) -> list[int]:
    """Return the process ids of the children of ``child``, whichever thread started them."""
    pids: list[int] = []
    for listed in Path(f"/proc/{child.pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has just ended
            pids += map(int, listed.read_text().split())
    return sorted(pids)


def kill_child(child: Child) -> int:
    """Kill ``child`` and all processes of its session, reap it, and return its exit code."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        send(child, signal.SIGKILL)
    return child.wait()


def unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user for servers that refuse root: ``nobody`` for root, else None (the current user)."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise ScriptError(
            "PostgreSQL refuses to run as root, and there is no user 'nobody': run as a normal user."
        ) from None
