"""Places many orders over the REST API at a steady pace, and follows each until it has come to its end."""

import http.client
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dev.errors import ScriptError
from dev.load.api import Api, ApiError
from dev.load.feed import Feed

#: The end of an order's way, as the log tells it.
_ENDS = {"OrderDelivered", "OrderCancelled", "OrderNeedsAttention"}
#: The end of an order's way, as the order itself tells it.
_TERMINAL = {"delivered", "cancelled", "needs_attention"}
#: Seconds without any event after which the orders that are not done will not be.
_PATIENCE = 120.0
#: Orders are placed, cancelled and read by so many clients at once.
_CLIENTS = 4
#: Seconds to wait for a web server that is just being started again.
_WEB_RESTART = 30.0


@dataclass
class Wish:
    """An order to place, and what became of it."""

    #: What the caller knows it by.
    label: str
    token: str
    body: dict[str, Any]
    #: Asked twice with one key, there is still one order.
    idempotency_key: str
    #: Cancel it after this event; empty: as soon as it is accepted; None: never.
    cancel_after: str | None = None
    id: UUID | None = None
    number: str = ""
    #: Why it was not accepted.
    refusal: str = ""
    #: Why it was not cancelled.
    cancel_refusal: str = ""
    status: str = ""
    reason: str = ""

    @property
    def outcome(self) -> str:
        """How it ended, in a word or two."""
        if self.refusal:
            return "refused"
        return f"{self.status} ({self.reason})" if self.reason else self.status

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return bool(self.refusal) or self.status in _TERMINAL


class Buyer:
    """Does what a customer does, in a thread of its own."""

    def __init__(self, api: Api) -> None:
        self._api, self._started = api, datetime.now(UTC)

    def place(self, wish: Wish) -> None:
        """Place the order; cancel it at once if that is wished."""
        api = self._api.as_owner_of(wish.token)
        try:
            answer = _patiently(
                lambda: api.post("/api/v1/orders", wish.body, Idempotency_Key=wish.idempotency_key)
            )
        except ApiError as error:
            wish.refusal = error.detail
            return
        wish.id, wish.number = UUID(answer["id"]), answer["number"]
        if datetime.fromisoformat(answer["placed_at"]) < self._started:  # by an earlier run with this key
            self.look(wish)
        elif wish.cancel_after == "":
            self.cancel(wish)

    def cancel(self, wish: Wish) -> None:
        api = self._api.as_owner_of(wish.token)
        try:
            _patiently(lambda: api.post(f"/api/v1/orders/{wish.id}/cancel", {}))
        except ApiError as error:
            wish.cancel_refusal = error.detail

    def look(self, wish: Wish) -> None:
        api = self._api.as_owner_of(wish.token)
        answer = _patiently(lambda: api.get(f"/api/v1/orders/{wish.id}"))
        wish.status, wish.reason = answer["status"], answer["reason"]


@dataclass
class _Journey:
    wish: Wish
    task: Future[None]
    cancelled: bool = False
    done: bool = False


class Campaign:
    """Places wishes, ``rate`` a second (0: as fast as it goes), and sees each through."""

    def __init__(self, api: Api, feed: Feed, *, rate: float, tend: Callable[[], None]) -> None:
        self._buyer, self._feed, self._rate, self._tend = Buyer(api), feed, rate, tend
        self._seen: defaultdict[UUID, set[str]] = defaultdict(set)

    def run(self, wishes: Sequence[Wish], progress: Callable[[int, int], None]) -> None:
        """Place and follow all; tell ``progress`` how many are placed and how many are done, again and again.

        Raises :class:`ScriptError` if nothing happens any more though orders are not done.
        """
        self._clients = ThreadPoolExecutor(_CLIENTS)
        try:
            self._run(wishes, progress)
        finally:
            self._clients.shutdown(cancel_futures=True)

    def _run(self, wishes: Sequence[Wish], progress: Callable[[int, int], None]) -> None:
        todo, done = iter(wishes), 0
        journeys: list[_Journey] = []
        self._started = self._last_event = time.monotonic()
        while done < len(wishes):
            self._tend()
            journeys += self._place_due(todo, done + len(journeys))
            self._read_feed()
            for journey in journeys:
                self._step(journey)
            done += sum(journey.done for journey in journeys)
            journeys = [journey for journey in journeys if not journey.done]
            progress(done + sum(journey.wish.number != "" for journey in journeys), done)
            self._check_patience(journeys)
            time.sleep(0.05)

    def _place_due(self, todo: Iterator[Wish], placed: int) -> list[_Journey]:
        due = (time.monotonic() - self._started) * self._rate + 1 if self._rate else float("inf")
        journeys: list[_Journey] = []
        while placed + len(journeys) < due and (wish := next(todo, None)):
            journeys.append(_Journey(wish, self._clients.submit(self._buyer.place, wish)))
        return journeys

    def _read_feed(self) -> None:
        for happening in self._feed.new():
            self._seen[happening.aggregate_id].add(happening.name)
            self._last_event = time.monotonic()

    def _step(self, journey: _Journey) -> None:
        """Do what comes next for the order, if anything."""
        if not journey.task.done():
            return
        journey.task.result()
        wish = journey.wish
        seen = self._seen[wish.id] if wish.id else set()
        if wish.is_settled:
            journey.done = True
        elif wish.cancel_after in seen and not journey.cancelled:
            journey.cancelled = True
            journey.task = self._clients.submit(self._buyer.cancel, wish)
        elif seen & _ENDS:
            journey.task = self._clients.submit(self._buyer.look, wish)

    def _check_patience(self, journeys: list[_Journey]) -> None:
        if time.monotonic() - self._last_event > _PATIENCE:
            names = ", ".join(journey.wish.number or journey.wish.label for journey in journeys[:10])
            raise ScriptError(f"nothing has happened for {_PATIENCE:.0f} s, but these are not done: {names}")


def _patiently(ask: Callable[[], Any]) -> Any:
    """Ask again while the web server is away, for it is started again."""
    deadline = time.monotonic() + _WEB_RESTART
    while True:
        try:
            return ask()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
