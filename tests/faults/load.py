"""Customers who order continuously throughout a fault."""

import threading
from types import TracebackType
from uuid import UUID

from dev.errors import ScriptError
from tests.support.deployment import Deployment


class Customers:
    """Context manager that places an order over HTTP every ``pause`` seconds."""

    def __init__(self, shop: Deployment, *, pause: float = 0.25) -> None:
        self._shop, self._pause = shop, pause
        self.accepted: list[UUID] = []
        #: Errors of orders that were not accepted.
        self.refusals: list[Exception] = []
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._order, name="customers")

    def __enter__(self) -> "Customers":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leaving.set()
        self._thread.join()

    def _order(self) -> None:
        while not self._leaving.wait(self._pause):
            try:
                self.accepted.append(self._shop.place_order())
            except (ScriptError, OSError) as error:
                self.refusals.append(error)

    def have_placed(self, count: int) -> bool:
        return len(self.accepted) >= count
