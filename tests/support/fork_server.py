"""Fork server: has imported the libraries, and forks for each process of a deployment under test.

A process of the shop then starts in half the time. It differs from an executed one only in what the kernel
shows as its command line and environment: the server's. It imports our own modules and the settings
itself, in its own environment.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass

#: Libraries that take long to import, and that read neither the settings nor the environment then.
LIBRARIES = (
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.fixups.django",
    "celery.worker.consumer",
    "cryptography.fernet",
    "django.contrib.admin",
    "django.contrib.staticfiles.storage",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.test",
    "django_filters",
    "granian.server.mp",
    "import_export.resources",
    "iso4217",
    "jinja2",
    "orjson",
    "pydantic.dataclasses",
    "rest_framework.serializers",
    "segno",
    "uuid_utils.compat",
)
_PR_SET_PDEATHSIG = 1
#: Bytes of the longest request: a command line and an environment.
_MOST = 128 * 1024
#: Seconds until a forked process has to be its caller's child.
_TIMEOUT = 20.0


@dataclass(frozen=True)
class Request:
    """A process to fork. Its standard input, output and error output are sent along."""

    nice: int
    #: Those of Python, ``-W`` options and then ``-m`` or ``-c``, followed by those of the program.
    arguments: Sequence[str]
    env: dict[str, str]
    umask: int
    caller: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Request":
        return cls(**json.loads(data))


def serve(connection: socket.socket) -> Request | None:
    """Fork for each request until the caller is gone. Returns the request in the forked process."""
    while True:
        data, files, _, _ = socket.recv_fds(connection, _MOST, 3)
        if not data:
            return None
        between = os.fork()  # its end makes the process a child of the caller, a subreaper
        if not between:
            if os.fork():
                os._exit(0)
            request = Request.decode(data)
            _become_child(request, connection, files)
            return request
        os.waitpid(between, 0)
        for file in files:
            os.close(file)


def _become_child(request: Request, connection: socket.socket, files: Sequence[int]) -> None:
    """Set up the process as ``dev.processes.children.start_child`` does, and tell the caller its number."""
    deadline = time.monotonic() + _TIMEOUT
    while os.getppid() != request.caller:
        if time.monotonic() > deadline:
            os._exit(1)
        time.sleep(0.0005)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    os.setsid()
    connection.send(str(os.getpid()).encode())
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.nice(request.nice)
    if request.umask >= 0:
        os.umask(request.umask)
    os.environ.clear()
    os.environ.update(request.env)


def run(arguments: Sequence[str]) -> None:
    """Run a program as Python does that is called with ``arguments``."""
    option, *rest = arguments
    while option == "-W":
        sys.warnoptions.append(rest[0])
        warnings.simplefilter(rest[0])  # type: ignore[arg-type]
        option, *rest = rest[1:]
    match option:
        case "-m":
            sys.argv = rest
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        case "-c":
            sys.argv, sys.path[0] = ["-c", *rest[1:]], ""
            main = sys.modules["__main__"] = type(sys)("__main__")
            exec(compile(rest[0], "<string>", "exec"), main.__dict__)  # noqa: S102 - as ``python -c``
        case _:
            raise ValueError(f"neither a module nor code: {option}")


def _main() -> Request | None:
    for library in LIBRARIES:
        importlib.import_module(library)
    assert threading.active_count() == 1, "only a process with a single thread may be forked"
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as connection:
        return serve(connection)


if __name__ == "__main__" and (_request := _main()):
    run(_request.arguments)
