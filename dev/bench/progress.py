"""Waiting in sight: how far orders are, told now and then, and an error when they get no further."""

import time

from dev.console import say
from dev.errors import ScriptError

#: Seconds between two words about the progress.
_TELL = 5.0


class Stuck(ScriptError):
    """Nothing moves any more."""

    def __init__(self, who: str, got: str, patience: float) -> None:
        super().__init__(
            f"{who}: {got}, and no more for {patience:.0f} s. The logs in var/bench/programs may tell why."
        )


class Progress:
    """Orders on their way to something; call :meth:`note` whenever they were counted."""

    def __init__(self, who: str, what: str, orders: int, *, patience: float) -> None:
        self._who, self._what, self._orders, self._patience = who, what, orders, patience
        self._seen, self._moved = 0, time.monotonic()
        self._told = self._moved

    def note(self, count: int) -> None:
        """Tell how many there are, if it is time to; :class:`Stuck` if there have been no more for long."""
        now, got = time.monotonic(), f"{count:,} of {self._orders:,} orders {self._what}"
        if count > self._seen:
            self._seen, self._moved = count, now
        if now - self._moved > self._patience:
            raise Stuck(self._who, got, self._patience)
        if now - self._told > _TELL:
            self._told = now
            say(f"  {self._who}: {got}")
