"""Load generator: places orders over the REST API at a steady rate and follows each to its end."""

import http.client
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dev.errors import ScriptError
from dev.load import bank
from dev.load.api import Api, ApiError
from dev.load.feed import Feed

#: An order that comes between a receipt and its use takes the goods of an older one, which then waits on.
_ASKED_FOR_GOODS = {"InventoryAwaited", "InventoryReserved", "InventoryUpdated"}
#: Events after which an order changes no more.
_FINAL_EVENTS = {"OrderDelivered", "OrderCancelled", "OrderNeedsAttention"}
#: Statuses of an order that changes no more.
_FINAL_STATUSES = {"delivered", "cancelled", "needs_attention"}
#: Seconds without any event after which unfinished orders count as stuck.
_IDLE_TIMEOUT = 120.0
#: Clients that place, cancel and read orders in parallel.
_CLIENTS = 4
#: Seconds to wait for a web server that is being restarted.
_RESTART_TIMEOUT = 30.0


@dataclass
class CustomerOrder:
    """An order to place, and its outcome."""

    #: Name for reports.
    label: str
    token: str
    body: dict[str, Any]
    idempotency_key: str
    #: Event after which to cancel the order; empty: as soon as it is accepted; None: never.
    cancel_after: str | None = None
    #: Confirm the payment at the bank when it asks.
    confirms: bool = False
    #: Means of payment after a decline; empty: none.
    pays_otherwise: str = ""
    #: A product of it has to come in first.
    awaits_goods: bool = False
    #: What happens to it after its delivery, and what became of that.
    afterwards: str = ""
    aftermath: str = ""
    id: UUID | None = None
    number: str = ""
    #: Its lines as the shop accepted them.
    lines: list[dict[str, Any]] = field(default_factory=list)
    #: Reason for not accepting it.
    refusal: str = ""
    #: Reason for not cancelling it.
    cancel_refusal: str = ""
    status: str = ""
    reason: str = ""

    @property
    def outcome(self) -> str:
        """The final status with its reason."""
        if self.refusal:
            return "refused"
        status = f"{self.status} ({self.reason})" if self.reason else self.status
        return f"{status}, {self.aftermath}" if self.aftermath else status

    @property
    def is_final(self) -> bool:
        """True if the order changes no more by itself."""
        return bool(self.refusal) or self.status in _FINAL_STATUSES


class Customer:
    """The requests of a customer, each run in a thread of the load generator."""

    def __init__(self, api: Api) -> None:
        self._api, self._started = api, datetime.now(UTC)

    def place(self, order: CustomerOrder) -> None:
        """Place the order, and cancel it at once if it says so."""
        api = self._api.as_owner_of(order.token)
        try:
            answer = _retry_while_down(
                lambda: api.post("/api/v1/orders", order.body, Idempotency_Key=order.idempotency_key)
            )
        except ApiError as error:
            order.refusal = error.detail
            return
        order.id, order.number, order.lines = UUID(answer["id"]), answer["number"], answer.get("lines", [])
        if datetime.fromisoformat(answer["placed_at"]) < self._started:  # by an earlier run with this key
            self.refresh(order)
        elif order.cancel_after == "":
            self.cancel(order)

    def cancel(self, order: CustomerOrder) -> None:
        """Ask for a cancellation, and keep the reason if it is refused."""
        api = self._api.as_owner_of(order.token)
        try:
            _retry_while_down(lambda: api.post(f"/api/v1/orders/{order.id}/cancel", {}))
        except ApiError as error:
            order.cancel_refusal = error.detail

    def confirm(self, order: CustomerOrder) -> None:
        """Confirm the payment on the page of the simulated bank, once the order says where."""
        api = self._api.as_owner_of(order.token)
        due = _once(lambda: api.get(f"/api/v1/orders/{order.id}")["payment"])
        if due:
            _retry_while_down(lambda: bank.confirm(self._api.port, due["confirm_url"]))

    def pay_otherwise(self, order: CustomerOrder) -> None:
        """Pay by other means, once the order has heard of the decline."""
        api = self._api.as_owner_of(order.token)
        if _once(lambda: api.get(f"/api/v1/orders/{order.id}")["payment"]):
            path, body = f"/api/v1/orders/{order.id}/payments", {"payment_method": order.pays_otherwise}
            key = f"{order.idempotency_key}-again"
            _retry_while_down(lambda: api.post(path, body, Idempotency_Key=key))

    def refresh(self, order: CustomerOrder) -> None:
        """Read the status of the order."""
        api = self._api.as_owner_of(order.token)
        answer = _retry_while_down(lambda: api.get(f"/api/v1/orders/{order.id}"))
        order.status, order.reason = answer["status"], answer["reason"]


@dataclass
class _Progress:
    """An order under way, with its request that was sent last."""

    order: CustomerOrder
    task: Future[None]
    cancelled: bool = False
    answered: bool = False
    done: bool = False


class LoadGenerator:
    """Places orders, ``rate`` a second (0: as fast as possible), and follows each to its end."""

    def __init__(
        self,
        api: Api,
        feed: Feed,
        *,
        rate: float,
        tend: Callable[[], None],
        receive_goods: Callable[[CustomerOrder], None] = lambda order: None,
    ) -> None:
        self._customer, self._feed, self._rate, self._tend = Customer(api), feed, rate, tend
        self._receive_goods = receive_goods
        self._seen: defaultdict[UUID, set[str]] = defaultdict(set)

    def run(self, orders: Sequence[CustomerOrder], report: Callable[[int, int], None]) -> None:
        """Place and follow all orders, calling ``report(placed, done)`` all the time.

        Raises ScriptError if no event arrives any more though some orders have not come to their end.
        """
        self._clients = ThreadPoolExecutor(_CLIENTS)
        try:
            self._run(orders, report)
        finally:
            self._clients.shutdown(cancel_futures=True)

    def _run(self, orders: Sequence[CustomerOrder], report: Callable[[int, int], None]) -> None:
        todo, done = iter(orders), 0
        under_way: list[_Progress] = []
        self._started = self._last_event = time.monotonic()
        while done < len(orders):
            self._tend()
            under_way += self._place_due(todo, done + len(under_way))
            self._read_feed()
            for progress in under_way:
                self._step(progress)
            done += sum(progress.done for progress in under_way)
            under_way = [progress for progress in under_way if not progress.done]
            report(done + sum(progress.order.number != "" for progress in under_way), done)
            self._check_idle_timeout(under_way)
            time.sleep(0.05)

    def _place_due(self, todo: Iterator[CustomerOrder], placed: int) -> list[_Progress]:
        due = (time.monotonic() - self._started) * self._rate + 1 if self._rate else float("inf")
        started: list[_Progress] = []
        while placed + len(started) < due and (order := next(todo, None)):
            started.append(_Progress(order, self._clients.submit(self._customer.place, order)))
        return started

    def _read_feed(self) -> None:
        for event in self._feed.new():
            self._seen[event.aggregate_id].add(event.name)
            self._last_event = time.monotonic()

    def _step(self, progress: _Progress) -> None:
        """Send the next request about the order, if there is one."""
        if not progress.task.done():
            return
        progress.task.result()
        order = progress.order
        seen = self._seen[order.id] if order.id else set()
        if order.is_final:
            progress.done = True
        elif order.cancel_after in seen and not progress.cancelled:
            progress.cancelled = True
            progress.task = self._clients.submit(self._customer.cancel, order)
        elif order.confirms and "PaymentActionRequired" in seen and not progress.answered:
            progress.answered = True
            progress.task = self._clients.submit(self._customer.confirm, order)
        elif order.pays_otherwise and "PaymentDeclined" in seen and not progress.answered:
            progress.answered = True
            progress.task = self._clients.submit(self._customer.pay_otherwise, order)
        elif order.awaits_goods and seen & _ASKED_FOR_GOODS and not progress.answered:
            progress.answered = True
            progress.task = self._clients.submit(self._receive_goods, order)
        elif seen & _FINAL_EVENTS:
            progress.task = self._clients.submit(self._customer.refresh, order)

    def _check_idle_timeout(self, under_way: list[_Progress]) -> None:
        if time.monotonic() - self._last_event > _IDLE_TIMEOUT:
            names = ", ".join(progress.order.number or progress.order.label for progress in under_way[:10])
            raise ScriptError(
                f"nothing has happened for {_IDLE_TIMEOUT:.0f} s, but these orders are not done: {names}"
            )


def _once(ask: Callable[[], Any]) -> Any:
    """Ask until there is an answer: orders hears of an event a moment after the log has it."""
    deadline = time.monotonic() + _RESTART_TIMEOUT
    while not (answer := _retry_while_down(ask)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return answer


def _retry_while_down(request: Callable[[], Any]) -> Any:
    """Repeat a request while the web server is being restarted."""
    deadline = time.monotonic() + _RESTART_TIMEOUT
    while True:
        try:
            return request()
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
