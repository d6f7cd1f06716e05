"""Layouts of worker processes: one worker for each context, or a few for all of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.errors import ScriptError
from dev.processes import programs
from dev.processes.supervisor import Program
from shop.settings import CONTEXTS

#: One worker for each context, as in script/run.
EACH = "each"
_SHAPE = re.compile(r"([1-9]\d?)(?:x([1-9]\d?))?")


class NoLayout(ScriptError):
    """The text is no layout of workers."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is no layout of workers: give {EACH!r}, a number of workers that serve all contexts "
            "('2'), or that with the processes of each ('1x2')."
        )


@dataclass(frozen=True)
class Layout:
    """Number of workers for all contexts and of processes of each; 0 workers for one per context."""

    workers: int = 0
    processes: int = 1

    def __str__(self) -> str:
        times = f"x{self.processes}" if self.processes > 1 else ""
        return f"{self.workers}{times}" if self.workers else EACH

    def queues(self) -> dict[str, list[str]]:
        """Return the queues of each worker by its name. The relay always has a worker of its own."""
        if not self.workers:
            return {queue: [queue] for queue in (programs.RELAY, *CONTEXTS)}
        shared = {f"worker{n}": [*CONTEXTS] for n in range(1, self.workers + 1)}
        return {programs.RELAY: [programs.RELAY], **shared}

    def programs(self, env: Mapping[str, str], *, home: Path) -> list[Program]:
        """Return the worker programs."""
        return [
            programs.worker(
                env, name, queues, home=home, processes=1 if name == programs.RELAY else self.processes
            )
            for name, queues in self.queues().items()
        ]


#: The fastest of each, 1, 2 and 1x2 on two cores.
DEFAULT = Layout(workers=2)


def parse(text: str) -> Layout:
    """Parse a layout. Raises NoLayout."""
    if text == EACH:
        return Layout()
    found = _SHAPE.fullmatch(text)
    if not found:
        raise NoLayout(text)
    return Layout(int(found[1]), int(found[2] or 1))
