"""Customers who order at a steady pace, and ask again, with the same key, until they get an answer."""

import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any
from uuid import UUID

from dev.load import scenarios
from dev.load.api import Api, ApiError
from dev.load.generator import Wish
from dev.load.scenarios import Fate

#: Customers who order at the same time.
_CROWD = 8
#: Seconds until one asks again who got no answer.
_PAUSE = 0.5
#: A customer changes his mind within so many seconds.
_SECOND_THOUGHTS = 4.0


class Customers:
    """They order while the context is open; leaving it waits until each of them has an answer."""

    def __init__(self, api: Api, chosen: list[Fate], wishes: list[Wish], *, rate: float) -> None:
        self._api, self._rate = api, rate
        self.fates = {wish.idempotency_key: fate for wish, fate in zip(wishes, chosen, strict=True)}
        self._wishes: Iterator[tuple[int, Wish]] = enumerate(wishes)
        self._lock = threading.Lock()
        self._leaving, self._giving_up = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=self._shop, name=f"customer {n}") for n in range(_CROWD)]
        #: What was sent, in the order of sending.
        self.sent: list[Wish] = []
        #: How often there was no answer, or one that said nothing about the order.
        self.asked_again = 0

    def __enter__(self) -> "Customers":
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self._giving_up.set()
        self.go_home()

    def stop_ordering(self) -> None:
        """Place no new orders; those under way are still seen through."""
        self._leaving.set()

    def are_waiting(self) -> bool:
        """Whether somebody has no answer yet."""
        return any(thread.is_alive() for thread in self._threads)

    def go_home(self) -> None:
        """Wait until everybody has an answer; afterwards nothing changes any more."""
        self.stop_ordering()
        for thread in self._threads:
            thread.join()

    @property
    def accepted(self) -> list[Wish]:
        return [wish for wish in self.sent if wish.id]

    def _shop(self) -> None:
        while wish := self._next():
            self._place(wish)

    def _next(self) -> Wish | None:
        """Wait for the moment of the next order."""
        with self._lock:
            number, wish = next(self._wishes, (0, None))
        due = self._started + number / self._rate
        if wish is None or self._leaving.wait(max(0, due - time.monotonic())):
            return None
        with self._lock:
            self.sent.append(wish)
        return wish

    def _place(self, wish: Wish) -> None:
        api = self._api.as_owner_of(wish.token)
        key = wish.idempotency_key
        try:
            answer = self._insist(lambda: api.post("/api/v1/orders", wish.body, Idempotency_Key=key))
        except ApiError as refusal:
            wish.refusal = refusal.detail
            return
        if answer is None:
            return
        wish.id, wish.number = UUID(answer["id"]), answer["number"]
        if wish.cancel_after is not None:
            self._cancel(api, wish)

    def _cancel(self, api: Api, wish: Wish) -> None:
        self._leaving.wait(random.Random(wish.idempotency_key).uniform(0, _SECOND_THOUGHTS))
        try:
            self._insist(lambda: api.post(f"/api/v1/orders/{wish.id}/cancel", {}))
        except ApiError as refusal:
            wish.cancel_refusal = refusal.detail

    def _insist(self, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer; None if the run was given up before."""
        while not self._giving_up.is_set():
            try:
                return ask()
            except (OSError, http.client.HTTPException, ApiError) as error:
                if isinstance(error, ApiError) and error.status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
            with self._lock:
                self.asked_again += 1
            self._giving_up.wait(_PAUSE)
        return None


def orders(count: int, *, seed: int, skus: list[str], tokens: list[str]) -> tuple[list[Fate], list[Wish]]:
    """Orders of mixed fate, and how each may end."""
    chosen = scenarios.draw(count, seed)
    return chosen, scenarios.wishes(chosen, skus=skus, tokens=tokens, seed=seed, run=f"faults-{seed}")


def may_end(fate: Fate, *, refund_refused: bool = False) -> frozenset[str]:
    """The outcomes that are right. A customer who changes his mind does so at any moment here."""
    if refund_refused:
        return frozenset({"needs_attention (refund_failed)"})
    if fate.cancel_after is None:
        return fate.outcomes
    return fate.outcomes | {"cancelled (customer)", "delivered"}
