"""Staff of a run: books goods that come in, gives parts of the money back, and takes goods back."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dev.errors import ScriptError
from dev.load.api import Api
from dev.load.generator import CustomerOrder
from dev.load.scenarios import GIVE_BACK_PART, PRE_ORDER_SKU, SEND_BACK

#: Orders that are looked after at once.
_STAFF = 4
#: Seconds for an act to come to its end.
_TIMEOUT = 60.0
_WHY = "for the demonstration"


class Staff:
    """An operator, by the REST API."""

    def __init__(self, api: Api, token: str) -> None:
        self._api, self._staff = api, api.as_owner_of(token)

    def receive_goods(self, order: CustomerOrder) -> None:
        """Book the piece for which an order waits."""
        body = {"kind": "received", "quantity": 1, "reason": _WHY}
        key = f"{order.idempotency_key}-receipt"
        self._staff.post(f"/api/v1/stock/{PRE_ORDER_SKU}/movements", body, Idempotency_Key=key)

    def look_after(self, orders: Sequence[CustomerOrder]) -> None:
        """Do what happens to delivered orders, and wait for the money; what became of it is on the orders."""
        acts = {GIVE_BACK_PART: self._give_back_part, SEND_BACK: self._take_back}
        with ThreadPoolExecutor(_STAFF) as threads:
            done = [
                threads.submit(acts[order.afterwards], order)
                for order in orders
                if order.afterwards and order.status == "delivered"
            ]
        for act in done:
            act.result()

    def _give_back_part(self, order: CustomerOrder) -> None:
        """Give back the price of one piece, which the customer keeps."""
        body = {"lines": [{"sku": order.lines[0]["sku"], "quantity": 1}], "reason": _WHY}
        path, key = f"/api/v1/orders/{order.id}/refunds", f"{order.idempotency_key}-refund"
        refund = self._staff.post(path, body, Idempotency_Key=key)
        self._wait(order, f"{path}/{refund['id']}", lambda shown: shown["state"] == "succeeded")
        order.aftermath = "part refunded"

    def _take_back(self, order: CustomerOrder) -> None:
        """Take back one piece, which the customer has asked for."""
        line, path = {"sku": order.lines[0]["sku"]}, f"/api/v1/orders/{order.id}/returns"
        body = {"lines": [line | {"quantity": 1}], "reason": _WHY}
        customer, key = self._api.as_owner_of(order.token), f"{order.idempotency_key}-return"
        returned = f"{path}/{customer.post(path, body, Idempotency_Key=key)['id']}"
        self._staff.post(f"{returned}/approve", {})
        received = {"lines": [line | {"restocked": 1}]}
        self._staff.post(f"{returned}/receive", received, Idempotency_Key=f"{key}-receipt")
        self._wait(order, returned, lambda shown: shown["state"] == "received")
        self._wait(order, f"/api/v1/orders/{order.id}/refunds", _has_money_back)
        order.aftermath = "returned"

    def _wait(self, order: CustomerOrder, path: str, is_done: Callable[[Any], bool]) -> None:
        """Ask as the customer, for whom no limit holds."""
        customer, deadline = self._api.as_owner_of(order.token), time.monotonic() + _TIMEOUT
        while not is_done(customer.get(path)):
            if time.monotonic() > deadline:
                raise ScriptError(f"{order.number}: {path} has not come to its end in {_TIMEOUT:.0f} s.")
            time.sleep(0.2)


def _has_money_back(refunds: Sequence[dict[str, Any]]) -> bool:
    return bool(refunds) and all(refund["state"] == "succeeded" for refund in refunds)
