"""Runner of a fault schedule. It injects and reverts faults on time and keeps the programs running."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from random import Random

from dev.faults.schedule import ScheduledFault
from dev.faults.system import System


@dataclass
class InjectedFault:
    """A fault of the schedule that has been injected."""

    fault: ScheduledFault
    #: Time of the reversion; of the injection while the fault is active.
    reverted_at: datetime = field(init=False)
    #: Reason for a failed injection or reversion.
    failure: str = ""
    _context: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def kind(self) -> str:
        return self.fault.kind.name

    def inject(self, system: System) -> None:
        """Inject the fault."""
        inject, chance = self.fault.kind.inject, Random(self.fault.seed)
        self._try(lambda: self._context.enter_context(inject(system, chance)))

    def revert(self) -> None:
        """End the fault."""
        self._try(self._context.close)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # a fault that fails must not end the run
            self.failure = f"{type(error).__name__}: {error}".splitlines()[0]
        self.reverted_at = datetime.now(UTC)


class Runner:
    """Executes a schedule and reports each fault with its time."""

    def __init__(self, system: System, report: Callable[[float, str], None]) -> None:
        self._system, self._report = system, report
        self.injected: list[InjectedFault] = []
        #: Heap of the active faults by the time of their end; the number orders equal times.
        self._active: list[tuple[float, int, InjectedFault]] = []

    @property
    def active(self) -> list[str]:
        """The kinds of the active faults."""
        return [fault.kind for _, _, fault in self._active]

    def run(self, schedule: list[ScheduledFault], seconds: float, tick: Callable[[float], None]) -> None:
        """Execute the schedule, calling ``tick`` with the time; in the end all faults are reverted.

        It takes longer than ``seconds`` if servers start slowly.
        """
        self._started, todo = time.monotonic(), list(reversed(schedule))
        while (now := self._now()) < seconds or todo or self._active:
            self._revert_until(now)
            if todo and todo[-1].at <= now and not self._is_hit(todo[-1].kind.target):
                self._inject(todo.pop())
            self._system.supervisor.tend()
            tick(now)
            time.sleep(0.05)

    def _now(self) -> float:
        return time.monotonic() - self._started

    def _is_hit(self, target: str) -> bool:
        """Return True while a fault of the target is active; its reversion may be late."""
        return any(fault.fault.kind.target == target for _, _, fault in self._active)

    def _inject(self, scheduled: ScheduledFault) -> None:
        fault, duration = InjectedFault(scheduled), scheduled.duration
        self._report(self._now(), fault.kind + (f", {duration:.0f} s" if duration else ""))
        fault.inject(self._system)
        self.injected.append(fault)
        heappush(self._active, (self._now() + duration, len(self.injected), fault))
        self._report_failure(fault)

    def _revert_until(self, moment: float) -> None:
        while self._active and self._active[0][0] <= moment:
            fault = heappop(self._active)[2]
            earlier = fault.failure
            fault.revert()
            if fault.failure != earlier:
                self._report_failure(fault)

    def _report_failure(self, fault: InjectedFault) -> None:
        if fault.failure:
            self._report(self._now(), f"could not: {fault.kind}: {fault.failure}")
