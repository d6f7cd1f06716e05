"""Runs a schedule: strikes when it is time, mends when it is time, and keeps the shop's processes up."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from random import Random

from dev.faults.schedule import Strike
from dev.faults.world import World


@dataclass
class Injury:
    """A strike that happened."""

    strike: Strike
    #: When it was mended; for what is done in a moment, when it was done.
    mended_at: datetime = field(init=False)
    #: Why it could not be done, or mended.
    failure: str = ""
    _mend: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def inflict(self, world: World) -> None:
        kind = self.strike.kind
        self._try(lambda: self._mend.enter_context(kind.harm(world, Random(self.strike.salt))))

    def mend(self) -> None:
        self._try(self._mend.close)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # one fault that does not work is no reason to stop
            self.failure = f"{type(error).__name__}: {error}".splitlines()[0]
        self.mended_at = datetime.now(UTC)


class Runner:
    """Goes through a schedule."""

    def __init__(self, world: World, tell: Callable[[float, str], None]) -> None:
        self._world, self._tell = world, tell
        self.injuries: list[Injury] = []
        #: What lasts, by when it is to be mended; the number keeps equal times apart.
        self._open: list[tuple[float, int, Injury]] = []

    @property
    def open(self) -> list[str]:
        """What is broken right now."""
        return [injury.strike.kind.name for _, _, injury in self._open]

    def run(self, strikes: list[Strike], seconds: float, look: Callable[[float], None]) -> None:
        """Go through the schedule; ``look`` is told the time again and again. In the end all is mended.

        It takes longer than ``seconds`` where servers start slowly.
        """
        self._started, todo = time.monotonic(), list(reversed(strikes))
        while (now := self._now()) < seconds or todo or self._open:
            self._mend_until(now)
            if todo and todo[-1].at <= now and self._is_whole(todo[-1].kind.target):
                self._strike(todo.pop())
            self._world.supervisor.tend()
            look(now)
            time.sleep(0.05)

    def _now(self) -> float:
        return time.monotonic() - self._started

    def _is_whole(self, target: str) -> bool:
        """Whether nothing lasts there; mending may have taken longer than the schedule knew."""
        return all(injury.strike.kind.target != target for _, _, injury in self._open)

    def _strike(self, strike: Strike) -> None:
        injury = Injury(strike)
        self._tell(self._now(), strike.kind.name + (f", {strike.lasts:.0f} s" if strike.lasts else ""))
        injury.inflict(self._world)
        self.injuries.append(injury)
        heappush(self._open, (self._now() + strike.lasts, len(self.injuries), injury))
        self._complain(injury)

    def _mend_until(self, moment: float) -> None:
        while self._open and self._open[0][0] <= moment:
            injury = heappop(self._open)[2]
            had_failed = injury.failure
            injury.mend()
            if injury.failure != had_failed:
                self._complain(injury)

    def _complain(self, injury: Injury) -> None:
        if injury.failure:
            self._tell(self._now(), f"could not: {injury.strike.kind.name}: {injury.failure}")
