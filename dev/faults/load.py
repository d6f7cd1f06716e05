"""Customers who order at a steady rate and repeat a request, with the same key, until it is answered."""

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Any
from uuid import UUID

from dev.load import bank, scenarios
from dev.load.api import Api, ApiError
from dev.load.generator import CustomerOrder
from dev.load.scenarios import Scenario

#: Customers who order in parallel.
_CUSTOMERS = 8
#: Seconds before an unanswered request is repeated.
_RETRY_DELAY = 0.5
#: Longest time in seconds from an order to its cancellation by the customer.
_MAX_CANCEL_DELAY = 4.0


class Customers:
    """Context manager of customers who order. Leaving it ends what they still wait for."""

    def __init__(self, api: Api, chosen: list[Scenario], orders: list[CustomerOrder], *, rate: float) -> None:
        self._api, self._rate = api, rate
        self.scenarios = {
            order.idempotency_key: scenario for order, scenario in zip(orders, chosen, strict=True)
        }
        self._orders: Iterator[tuple[int, CustomerOrder]] = enumerate(orders)
        self._lock = threading.Lock()
        self._stopping, self._aborting = threading.Event(), threading.Event()
        #: Keys of the orders whose placing, or cancellation, is not answered yet.
        self._unanswered: set[str] = set()
        self._threads = [threading.Thread(target=self._run, name=f"customer {n}") for n in range(_CUSTOMERS)]
        #: Orders sent so far.
        self.sent: list[CustomerOrder] = []
        #: Number of requests without an answer, or with a server error.
        self.retries = 0

    def __enter__(self) -> "Customers":
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()
        for thread in self._threads:
            thread.join()

    def stop_ordering(self) -> None:
        """Place no further orders. Requests under way are still repeated until they are answered."""
        self._stopping.set()

    def abandon(self) -> None:
        """Place no further orders, and give up the requests under way."""
        self.stop_ordering()
        self._aborting.set()

    def are_busy(self) -> bool:
        """Return True until all have ordered, been answered, and paid."""
        return any(thread.is_alive() for thread in self._threads)

    def are_waiting(self) -> bool:
        """Return True while an order, or a cancellation, is unanswered.

        Whoever pays waits for the order, which may take an operator: that is not counted.
        """
        with self._lock:
            return bool(self._unanswered)

    @property
    def accepted(self) -> list[CustomerOrder]:
        return [order for order in self.sent if order.id]

    def _run(self) -> None:
        while order := self._next():
            self._place(order)
            with self._lock:
                self._unanswered.discard(order.idempotency_key)
            if order.id and (order.confirms or order.pays_otherwise):
                self._answer(self._api.as_owner_of(order.token), order)

    def _next(self) -> CustomerOrder | None:
        """Wait until the next order is due."""
        with self._lock:
            number, order = next(self._orders, (0, None))
        due = self._started + number / self._rate
        if order is None or self._stopping.wait(max(0, due - time.monotonic())):
            return None
        with self._lock:
            self.sent.append(order)
            self._unanswered.add(order.idempotency_key)
        return order

    def _place(self, order: CustomerOrder) -> None:
        api = self._api.as_owner_of(order.token)
        key = order.idempotency_key
        try:
            answer = self._retry(lambda: api.post("/api/v1/orders", order.body, Idempotency_Key=key))
        except ApiError as refusal:
            order.refusal = refusal.detail
            return
        if answer is None:
            return
        order.id, order.number = UUID(answer["id"]), answer["number"]
        if order.cancel_after is not None:
            self._cancel(api, order)

    def _answer(self, api: Api, order: CustomerOrder) -> None:
        """Do what the payment asks of its customer, once the order says so."""
        while not self._aborting.is_set():
            shown = self._retry(lambda: api.get(f"/api/v1/orders/{order.id}"))
            if shown is None or shown["status"] != "placed":
                return
            if due := shown["payment"]:
                with contextlib.suppress(ApiError):  # an answer that was lost had taken effect
                    self._retry(partial(self._pay, api, order, due))
            self._aborting.wait(_RETRY_DELAY)

    def _pay(self, api: Api, order: CustomerOrder, due: dict[str, Any]) -> Any:
        if order.confirms:
            bank.confirm(api.port, due["confirm_url"])
            return True
        body = {"payment_method": order.pays_otherwise}
        key = f"{order.idempotency_key}-again"
        return api.post(f"/api/v1/orders/{order.id}/payments", body, Idempotency_Key=key)

    def _cancel(self, api: Api, order: CustomerOrder) -> None:
        self._stopping.wait(random.Random(order.idempotency_key).uniform(0, _MAX_CANCEL_DELAY))
        try:
            self._retry(lambda: api.post(f"/api/v1/orders/{order.id}/cancel", {}))
        except ApiError as refusal:
            order.cancel_refusal = refusal.detail

    def _retry(self, request: Callable[[], Any]) -> Any:
        """Repeat a request until it is answered; None if the run is aborted before."""
        while not self._aborting.is_set():
            try:
                return request()
            except (OSError, http.client.HTTPException, ApiError) as error:
                if isinstance(error, ApiError) and error.status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
            with self._lock:
                self.retries += 1
            self._aborting.wait(_RETRY_DELAY)
        return None


def draw_orders(
    count: int, *, seed: int, skus: list[str], tokens: list[str]
) -> tuple[list[Scenario], list[CustomerOrder]]:
    """Return the scenarios and the orders of a run, drawn from ``seed``."""
    chosen = scenarios.draw(count, seed)
    return chosen, scenarios.orders_for(chosen, skus=skus, tokens=tokens, seed=seed, run=f"faults-{seed}")


def allowed_outcomes(scenario: Scenario, *, refund_refused: bool = False) -> frozenset[str]:
    """Return the correct outcomes of an order. A cancellation may come at any moment here."""
    if refund_refused:
        return frozenset({"needs_attention (refund_failed)"})
    if scenario.cancel_after is None:
        return scenario.outcomes
    return scenario.outcomes | {"cancelled (customer)", "delivered"}
