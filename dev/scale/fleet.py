"""Fleet: a shop whose workers come and go."""

import contextlib
import time
from collections.abc import Sequence

import psutil  # type: ignore[import-untyped]

from dev.bench.intake.web import WebShop
from dev.bench.layouts import Layout
from dev.processes import children, programs
from dev.processes.supervisor import Program
from shop.settings import CONTEXTS

#: Seconds that a worker has to finish its tasks: terminationGracePeriodSeconds of the manifests.
GRACE = 90.0


class Fleet(WebShop):
    """Web server, relay, scheduler and a variable number of workers that serve all contexts."""

    def __init__(self, name: str, *, database_url: str, broker_url: str) -> None:
        super().__init__(name, database_url=database_url, broker_url=broker_url, layout=Layout(1))
        self._leaving: dict[str, tuple[children.Child, float]] = {}
        #: CPU seconds of each process of a worker when last seen.
        self._seconds = dict[int, float]()
        #: Number of workers so far, of those that stopped by themselves, and of those that were killed.
        self.started, self.stopped, self.killed = 1, 0, 0

    def programs_to_run(self) -> Sequence[Program]:
        self._names = ["worker1"]
        return super().programs_to_run()

    @property
    def size(self) -> int:
        """Number of workers, without those that are stopping."""
        return len(self._names)

    def resize(self, number: int) -> None:
        """Start workers, or ask the youngest ones to stop."""
        while self.size < number:
            self.started += 1
            name = f"worker{self.started}"
            self._supervisor.start(programs.worker(self.env, name, [*CONTEXTS], home=self.home))
            self._names.append(name)
        while self.size > number:
            name = self._names.pop()
            self._leaving[name] = self._supervisor.retire(name), time.monotonic()

    def tend(self) -> None:
        """Restart crashed programs; reap workers that have stopped, and kill those that do not in time."""
        self._supervisor.tend()
        for name, (child, since) in list(self._leaving.items()):
            has_ended = children.has_ended(child)
            if has_ended or time.monotonic() - since > GRACE:
                graceful = children.kill_child(child) == 0 and has_ended
                self.stopped, self.killed = self.stopped + graceful, self.killed + (not graceful)
                del self._leaving[name]

    @property
    def leaving(self) -> int:
        """Number of workers that are stopping."""
        return len(self._leaving)

    def usage(self) -> tuple[float, float]:
        """Return the CPU seconds of all workers so far, and the resident MB of those that run."""
        pids = [self._supervisor[name].child.pid for name in self._names]
        pids += [child.pid for child, _ in self._leaving.values()]
        size = 0.0
        for process in _trees(pids):
            with contextlib.suppress(psutil.Error):  # it has ended
                times = process.cpu_times()
                self._seconds[process.pid] = times.user + times.system
                size += process.memory_info().rss / 1e6
        return sum(self._seconds.values()), size

    def __exit__(self, *exc_info: object) -> None:
        for child, _ in self._leaving.values():
            children.kill_child(child)
        self._leaving.clear()
        super().__exit__(*exc_info)


def _trees(pids: Sequence[int]) -> list[psutil.Process]:
    found = list[psutil.Process]()
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            main = psutil.Process(pid)
            found += [main, *main.children(recursive=True)]
    return found
