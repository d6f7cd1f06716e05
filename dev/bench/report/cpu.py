"""CPU time of programs and servers, which depends little on other work on the machine."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]


@dataclass
class Meter:
    """Sum of the CPU seconds of named programs, including their child processes."""

    pids: Mapping[str, int]
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Measure the block; several blocks add up."""
        before = self._now()
        yield
        after = self._now()
        for name in self.pids:
            used = sum(after[name].values()) - sum(before[name].values())
            self.seconds[name] = self.seconds.get(name, 0.0) + max(0.0, used)

    def _now(self) -> dict[str, dict[int, float]]:
        return {name: _tree(pid) for name, pid in self.pids.items()}


def _tree(pid: int) -> dict[int, float]:
    """Return the CPU seconds of each process of a program."""
    with contextlib.suppress(psutil.NoSuchProcess):
        program = psutil.Process(pid)
        return dict(map(_used, [program, *program.children(recursive=True)]))
    return {}


def _used(process: psutil.Process) -> tuple[int, float]:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        # Ended children count, too: each session of PostgreSQL is a process.
        ended = times.children_user + times.children_system
        return process.pid, times.user + times.system + ended
    return process.pid, 0.0
