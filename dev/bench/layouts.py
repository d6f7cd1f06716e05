"""Which worker processes serve the shop: one for each context, or a few that serve all of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.errors import ScriptError
from dev.processes import programs
from dev.processes.supervisor import Program
from shop.settings import CONTEXTS

#: One worker for each context, as script/run starts them.
EACH = "each"
_SHAPE = re.compile(r"([1-9]\d?)(?:x([1-9]\d?))?")


class NoLayout(ScriptError):
    """It says neither ``each`` nor a number of workers."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is no layout of workers: say {EACH!r}, a number of workers that serve all contexts "
            "('2'), or that with the processes of each ('1x2')."
        )


@dataclass(frozen=True)
class Layout:
    """So many workers that serve all contexts, each with so many processes; 0 for one worker a context."""

    workers: int = 0
    processes: int = 1

    def __str__(self) -> str:
        times = f"x{self.processes}" if self.processes > 1 else ""
        return f"{self.workers}{times}" if self.workers else EACH

    def queues(self) -> dict[str, list[str]]:
        """The queues that each worker serves, by its name. The relay's is always a worker of its own."""
        if not self.workers:
            return {queue: [queue] for queue in (programs.RELAY, *CONTEXTS)}
        shared = {f"worker{n}": [*CONTEXTS] for n in range(1, self.workers + 1)}
        return {programs.RELAY: [programs.RELAY], **shared}

    def programs(self, env: Mapping[str, str], *, home: Path) -> list[Program]:
        """The workers, ready to be started."""
        return [
            programs.worker(
                env, name, queues, home=home, processes=1 if name == programs.RELAY else self.processes
            )
            for name, queues in self.queues().items()
        ]


#: Of each, 1, 2 and 1x2 it shipped the most orders a second on two cores.
DEFAULT = Layout(workers=2)


def parse(text: str) -> Layout:
    """Read what was typed; :class:`NoLayout` says what can be."""
    if text == EACH:
        return Layout()
    found = _SHAPE.fullmatch(text)
    if not found:
        raise NoLayout(text)
    return Layout(int(found[1]), int(found[2] or 1))
