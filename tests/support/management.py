"""Management commands of a deployment. One process imports Django and forks for each command."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from typing import IO, Any

import django
from django.conf import settings
from django.core.management import execute_from_command_line

from tests.support import forks

Done = subprocess.CompletedProcess[str]


class ManagementCommands:
    """Context manager that runs ``manage.py`` in the environment ``env``."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._server: forks.Fork | None = None
        self._stream: IO[str] | None = None

    def __enter__(self) -> "ManagementCommands":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def run(self, *arguments: str) -> Done:
        """Run ``manage.py`` with ``arguments`` to its end."""
        stream = self._stream = self._stream or self._start()
        print(json.dumps(arguments), file=stream, flush=True)
        return Done(arguments, *json.loads(stream.readline()))

    def check(self, *arguments: str) -> str:
        """Run ``manage.py`` with ``arguments``, fail the test unless it succeeds, and return its output."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def close(self) -> None:
        """End the process."""
        if self._stream and self._server:
            self._stream.close()
            self._server.wait()
            self._stream = self._server = None

    def _start(self) -> IO[str]:
        argv = [sys.executable, "-m", "tests.support.management"]
        ours, theirs = socket.socketpair()
        with ours, theirs:
            files = (theirs.fileno(), theirs.fileno(), sys.__stderr__.fileno())
            self._server = forks.start_fork(argv, env=self._env, files=files)
            return ours.makefile("rw")


def _serve() -> None:
    """Read commands from standard input, one a line, and answer with exit code, output and error output."""
    django.setup()
    import_module(settings.ROOT_URLCONF)  # which the checks of most commands would import in each fork
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


def _run(arguments: list[str]) -> list[Any]:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        context = multiprocessing.get_context("fork")
        command = context.Process(target=_execute, args=(arguments, out, errors))
        command.start()
        command.join()
        return [command.exitcode, *(_written(file) for file in (out, errors))]


def _execute(arguments: list[str], out: IO[str], errors: IO[str]) -> None:
    os.dup2(out.fileno(), sys.stdout.fileno())
    os.dup2(errors.fileno(), sys.stderr.fileno())
    execute_from_command_line(["manage.py", *arguments])


def _written(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    _serve()
