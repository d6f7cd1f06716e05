"""Console output and exit codes of the commands."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import psycopg
from rich.console import Console

from dev.errors import ScriptError, first_line

out = Console(highlight=False)
errors = Console(stderr=True, highlight=False, style="bold red")


class Stopped(KeyboardInterrupt):
    """The command was asked to stop, by Ctrl-C, SIGTERM or SIGHUP."""


def say(text: str) -> None:
    """Print a status line in a dim colour."""
    out.print(text, style="dim", soft_wrap=True)


def run_command(name: str, main: Callable[[list[str]], int]) -> NoReturn:
    """Run ``main`` with the command line's arguments; exit with its code, or 2 after an error."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        code = main(sys.argv[1:])
    except ScriptError as error:
        errors.print(f"script/{name}: {error}", markup=False, soft_wrap=True)
        code = 2
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        text = f"the database ended the session, or does not answer ({first_line(error)}). Start it again."
        errors.print(f"script/{name}: {text}", markup=False, soft_wrap=True)
        code = 2
    except Stopped as stopped:
        code = 128 + int(stopped.args[0])
    sys.exit(code)


def ignore_signals() -> None:
    """Ignore further requests to stop: the shutdown has begun."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)
