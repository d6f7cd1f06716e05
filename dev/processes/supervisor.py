"""Supervisor of the shop's processes: starts them, restarts crashed ones, stops them in order."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Protocol

from dev.errors import NotReady, last_lines
from dev.processes import children
from dev.processes.readiness import AlwaysReady, Readiness

#: Seconds before a crashed program is restarted; doubled with each crash in a row.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
#: Seconds of running after which earlier crashes are forgotten.
_STABLE_AFTER = 30.0
#: Crashes in a row after which a start has failed.
_MAX_CRASHES = 3


@dataclass(frozen=True)
class Program:
    """A named command line. Programs of a lower ``stage`` are stopped first."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    stage: int = 0
    readiness: Readiness = field(default_factory=AlwaysReady)
    #: Seconds to finish its work after the request to stop.
    grace: float = 15.0


class StartChild(Protocol):
    """Starts a process, as :func:`children.start_child` does."""

    def __call__(self, argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> children.Child: ...


class Supervised:
    """A program with its current process and its recent crashes."""

    def __init__(self, program: Program, log: Path, start_child: StartChild) -> None:
        self.program, self.log, self._start_child = program, log, start_child
        self.crashes = 0
        self._start_again_at: float | None = None
        self.start()

    def start(self) -> None:
        """Start the program, for the first time or again."""
        self.program.readiness.reset()
        self.child = self._start_child(self.program.argv, env=self.program.env, log=self.log)
        self._started_at = time.monotonic()
        self._start_again_at = None

    def tend(self) -> str | None:
        """Restart the program when its pause is over. Returns a notice if it has just crashed."""
        if self._start_again_at is not None:
            if time.monotonic() >= self._start_again_at:
                self.start()
            return None
        if not children.has_ended(self.child):
            return None
        return self._note_crash()

    def _note_crash(self) -> str:
        code = children.kill_child(self.child)  # and the processes of its pool
        was_stable = time.monotonic() - self._started_at > _STABLE_AFTER
        self.crashes = 1 if was_stable else self.crashes + 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self.crashes - 1))
        self._start_again_at = time.monotonic() + pause
        return f"{self.program.name} {_describe_exit(code)}; it starts again in {pause:.1f} s. See {self.log}"


class Supervisor:
    """Context manager of all programs of a deployment. Leaving it stops them."""

    def __init__(
        self,
        logs: Path,
        *,
        report: Callable[[str], None],
        start_child: StartChild = children.start_child,
    ) -> None:
        self._logs, self._report, self._start_child = logs, report, start_child
        self._supervised: list[Supervised] = []

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def __getitem__(self, name: str) -> Supervised:
        return next(one for one in self._supervised if one.program.name == name)

    def start(self, *programs: Program) -> None:
        """Start ``programs``. The log of an earlier run is kept as ``<name>.log.old``."""
        for program in programs:
            log = self._logs / f"{program.name}.log"
            if log.exists():
                os.replace(log, log.with_suffix(".log.old"))
            self._supervised.append(Supervised(program, log, self._start_child))

    def retire(self, name: str) -> children.Child:
        """Ask a program to stop and leave it to the caller, who reaps the returned child."""
        one = self[name]
        self._supervised.remove(one)
        children.send(one.child, signal.SIGTERM)
        return one.child

    def tend(self) -> None:
        """Restart crashed programs. Call it often."""
        for one in self._supervised:
            if notice := one.tend():
                self._report(notice)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until every program is ready. Raises NotReady with the log of one that is not."""
        deadline = time.monotonic() + timeout
        for one in self._supervised:
            while not one.program.readiness.is_reached():
                self.tend()
                if one.crashes >= _MAX_CRASHES or time.monotonic() > deadline:
                    why = f"{one.program.name} did not get ready. The end of {one.log}:\n"
                    raise NotReady(why + last_lines(one.log))
                time.sleep(0.1)

    def sleep(self, seconds: float) -> None:
        """Sleep, restarting programs that crash meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(0.2, left))

    def stop(self) -> None:
        """Stop one stage after the other, and kill programs that do not stop in time."""
        stopped, self._supervised = self._supervised, []
        self._stop(stopped)

    def restart(self, *names: str) -> None:
        """Stop programs in the order of their stages, and start them again. Their logs go on."""
        chosen = [self[name] for name in names]
        self._stop(chosen)
        for one in chosen:
            one.crashes = 0
            one.start()

    def _stop(self, supervised: Sequence[Supervised]) -> None:
        stages = sorted(supervised, key=lambda one: one.program.stage)
        for _, group in groupby(stages, key=lambda one: one.program.stage):
            running = list(group)
            grace = max(one.program.grace for one in running)
            late = children.stop_children([one.child for one in running], grace=grace)
            for one in running:
                if one.child in late:
                    self._report(f"{one.program.name} did not stop within {grace:.0f} s and was killed")

    def kill(self) -> None:
        """Kill all programs."""
        for one in self._supervised:
            children.kill_child(one.child)
        self._supervised = []


def _describe_exit(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"
