"""Fork server: has imported the libraries, and forks for each process of a deployment under test.

A process of the shop then starts in half the time. It differs from an executed one only in what the kernel
shows as its command line and environment: the server's. It imports our own modules and the settings
itself, in its own environment. Workers and management commands of a deployment have that in common: they are
forked by a template, a process that has set up Django there.
"""

import contextlib
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
from collections.abc import Mapping, Sequence
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
#: Programs that begin by setting up Django, with these settings.
_PROGRAMS, _SETTINGS = {"celery", "tests.support.management"}, "shop.settings"
#: Variables that differ between the workers of a deployment, and are read late.
_READ_LATE = ("SHOP_READY_FILE", "SHOP_HEARTBEAT_DIR")
#: Beginnings of variables that start threads or open files early, which a template must not have.
_NOT_SHARED = ("OTEL_", "SHOP_METRICS")
#: Templates that are kept: that of the present deployment, and one beside it.
_MOST_TEMPLATES = 2
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


class Templates:
    """Processes that have set up Django, each in its environment, and fork programs that do so first."""

    def __init__(self, caller: socket.socket) -> None:
        self._caller = caller
        #: Process id of a template and the connection to it, the one used last at the end.
        self._known: dict[str, tuple[int, socket.socket]] = {}

    def pass_on(self, request: Request, files: Sequence[int]) -> bool:
        """Have a template fork for a request, if there can be one."""
        if not _has_template(request):
            return False
        env = {name: value for name, value in request.env.items() if name not in _READ_LATE}
        key = json.dumps(env, sort_keys=True)
        template = self._known[key] = self._known.pop(key, None) or self._start(env, files)
        socket.send_fds(template[1], [request.encode()], files)
        while len(self._known) > _MOST_TEMPLATES:
            self._end(*self._known.pop(next(iter(self._known))))
        return True

    def _start(self, env: Mapping[str, str], files: Sequence[int]) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if pid := os.fork():
            theirs.close()
            return pid, ours
        ours.close()
        self.disconnect()
        for file in files:  # who reads what the first process writes waits for its end, not for ours
            os.close(file)
        die_with_parent()
        os.environ.clear()
        os.environ.update(env)
        with contextlib.suppress(Exception, SystemExit):  # the program meets it once more, and says so
            set_up_django()
        fork_each(theirs, self._caller)
        sys.exit()

    def disconnect(self) -> None:
        """Close a forked process's connections: a template ends when nobody is left to send to it."""
        for _, connection in self._known.values():
            connection.close()

    def _end(self, pid: int, connection: socket.socket) -> None:
        connection.close()
        os.waitpid(pid, 0)


def _has_template(request: Request) -> bool:
    if any(name.startswith(_NOT_SHARED) for name in request.env):
        return False
    return request.arguments[1] in _PROGRAMS and request.env.get("DJANGO_SETTINGS_MODULE") == _SETTINGS


def set_up_django() -> None:
    """Import our models, and what a worker begins with, in the present environment."""
    importlib.import_module("shop.celery")
    importlib.import_module("django").setup()
    freeze()


def freeze() -> None:
    """Have forked processes share what there is."""
    assert threading.active_count() == 1, "only a process with a single thread may be forked"
    gc.collect()
    gc.freeze()


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def fork_each(requests: socket.socket, caller: socket.socket, templates: Templates | None = None) -> None:
    """Fork for each request, until nobody is left to send one. Returns in a forked process when it ends."""
    while True:
        data, files, _, _ = socket.recv_fds(requests, _MOST, 3)
        if not data:
            return
        request = Request.decode(data)
        if not (templates and templates.pass_on(request, files)):
            between = os.fork()  # its end makes the process a child of the caller, a subreaper
            if not between:
                if os.fork():
                    os._exit(0)
                if templates:
                    templates.disconnect()
                _become_child(request, caller, files)
                requests.close()
                caller.close()
                run(request.arguments)
                return
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
    die_with_parent()
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


def _main() -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
    freeze()
    with socket.socket(fileno=os.dup(0)) as connection:
        fork_each(connection, connection, Templates(connection))


if __name__ == "__main__":
    _main()
