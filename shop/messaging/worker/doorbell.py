"""Wake-up of kombu's event loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


class Doorbell:
    """Makes kombu's event loop call us back in its next round, from whatever place it is rung.

    The loop's own call_soon() is not enough: what is given to it inside a callback has to wait for
    the next poll, which may take a second.
    """

    def __init__(self, hub: Any, answer: Callable[[], None]) -> None:
        self._hub, self._answer = hub, answer
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        hub.add_reader(self._reading, self._on_ring)
        self._rung = False

    def ring(self) -> None:
        """Ask for the call; ringing twice is ringing once."""
        if not self._rung:
            self._rung = True
            os.write(self._writing, b"!")

    def _on_ring(self) -> None:
        os.read(self._reading, 1)
        self._rung = False
        self._answer()

    def remove(self) -> None:
        """Take it off the loop."""
        self._rung = True  # nobody listens any more
        self._hub.remove_reader(self._reading)
        os.close(self._reading)
        os.close(self._writing)
