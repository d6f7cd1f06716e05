"""Progress of orders that are waited for, and an error if there is none."""

import time

from dev.console import say
from dev.errors import ScriptError

#: Seconds between two reports of the progress.
_REPORT_INTERVAL = 5.0


class Stalled(ScriptError):
    """There is no progress any more."""

    def __init__(self, who: str, got: str, timeout: float) -> None:
        super().__init__(
            f"{who}: {got}, and no more for {timeout:.0f} s. See the logs in var/bench/programs."
        )


class Progress:
    """Progress of orders; call :meth:`note` after each count."""

    def __init__(self, who: str, what: str, orders: int, *, timeout: float) -> None:
        self._who, self._what, self._orders, self._timeout = who, what, orders, timeout
        self._seen, self._moved = 0, time.monotonic()
        self._reported = self._moved

    def note(self, count: int) -> None:
        """Report the count now and then. Raises Stalled if it has not grown for long."""
        now, got = time.monotonic(), f"{count:,} of {self._orders:,} orders {self._what}"
        if count > self._seen:
            self._seen, self._moved = count, now
        if now - self._moved > self._timeout:
            raise Stalled(self._who, got, self._timeout)
        if now - self._reported > _REPORT_INTERVAL:
            self._reported = now
            say(f"  {self._who}: {got}")
