"""Wake-up of kombu's event loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


class LoopWaker:
    """Has kombu's event loop run a callback in its next iteration (the self-pipe trick).

    The loop's ``call_soon()`` is too slow: a function scheduled inside a callback runs after the next
    poll, which may block for a second.
    """

    def __init__(self, hub: Any, callback: Callable[[], None]) -> None:
        self._hub, self._callback = hub, callback
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        hub.add_reader(self._reading, self._on_readable)
        self._is_pending = False

    def wake(self) -> None:
        """Request the callback. Requests before the next iteration are merged into one."""
        if not self._is_pending:
            self._is_pending = True
            os.write(self._writing, b"!")

    def _on_readable(self) -> None:
        os.read(self._reading, 1)
        self._is_pending = False
        self._callback()

    def close(self) -> None:
        """Remove the pipe from the loop and close it."""
        self._is_pending = True  # further calls of wake() do nothing
        self._hub.remove_reader(self._reading)
        os.close(self._reading)
        os.close(self._writing)
