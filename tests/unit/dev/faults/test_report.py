"""Customers who repeat requests, and the comparison of responses with outcomes."""

from collections import defaultdict
from types import SimpleNamespace
from uuid import uuid4

import pytest

from dev.faults import load
from dev.faults.load import Customers
from dev.faults.quiescence import Quiescence
from dev.faults.report import examine
from dev.faults.webhooks import undelivered
from dev.load import scenarios
from dev.load.api import ApiError
from dev.load.generator import CustomerOrder
from dev.load.scenarios import Scenario
from dev.servers.receiver import Inbox

PLAIN = scenarios.SCENARIOS[0]


class MoodyShop:
    """API that raises the given errors one by one, and accepts all later requests."""

    def __init__(self, *moods: Exception) -> None:
        self.moods = list(moods)
        self.keys: list[str] = []
        self.orders: dict[str, tuple[str, str]] = {}
        self.repairs: list[tuple[str, str]] = []
        self.refused: list[str] = []
        self.webhooks_since = 0
        self.owed: list[tuple[str, str]] = []
        self.receiver = SimpleNamespace(inboxes=defaultdict(Inbox))

    def as_owner_of(self, token: str) -> "MoodyShop":
        return self

    def post(self, path: str, body: object, *, Idempotency_Key: str) -> dict[str, str]:  # noqa: N803
        self.keys.append(Idempotency_Key)
        if self.moods:
            raise self.moods.pop(0)
        order_id = str(uuid4())
        self.orders[order_id] = ("delivered", "")
        return {"id": order_id, "number": "ORD-1"}

    def rows(self, query: str, *parameters: object) -> list[tuple]:
        if "integrations_delivery" in query:
            return self.owed
        if "messaging_deadletter" in query:
            return [(0,)]
        if "payments_refund" in query:
            return [(order_id,) for order_id in self.refused]
        if "console_repair" in query:
            return self.repairs
        return [(order_id, *end) for order_id, end in self.orders.items()]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(load, "_RETRY_DELAY", 0)


def order_at(shop: MoodyShop, scenario: Scenario = PLAIN) -> Customers:
    order = CustomerOrder("a mug", "token", {}, "key-1")
    with Customers(shop, [scenario], [order], rate=1000) as customers:  # type: ignore[arg-type]
        for thread in customers._threads:
            thread.join(10)
    return customers


def findings_about(shop: MoodyShop, customers: Customers, found: Quiescence | None = None, unbound: str = ""):
    system = SimpleNamespace(
        rows=shop.rows, poisoned=0, unbound={unbound}, receiver=shop.receiver, webhooks_since=0
    )
    return examine(system, customers, found or Quiescence(holds=True))  # type: ignore[arg-type]


def test_a_customer_without_an_answer_asks_again_with_the_same_key():
    shop = MoodyShop(ConnectionResetError(), ApiError(503, "the database is away"))
    customers = order_at(shop)
    assert shop.keys == ["key-1"] * 3
    assert (len(customers.accepted), customers.retries) == (1, 2)


def test_what_ended_as_it_may_is_right():
    shop = MoodyShop()
    findings = findings_about(shop, order_at(shop))
    assert (findings.lost, findings.wrong) == ([], [])


def test_an_accepted_order_that_is_not_there_or_does_not_end_is_lost():
    shop = MoodyShop()
    customers = order_at(shop)
    (order_id,) = shop.orders
    shop.orders[order_id] = ("paid", "")
    assert len(findings_about(shop, customers).lost) == 1
    shop.orders.clear()
    assert len(findings_about(shop, customers).lost) == 1


@pytest.mark.parametrize("end", [("cancelled", "payment_failed"), ("needs_attention", "carrier_overdue")])
def test_another_end_than_the_order_may_have_is_wrong(end):
    shop = MoodyShop()
    customers = order_at(shop)
    (order_id,) = shop.orders
    shop.orders[order_id] = end
    assert len(findings_about(shop, customers).wrong) == 1


def test_an_order_whose_refund_the_gateway_refused_needs_attention_and_nothing_else():
    shop = MoodyShop()
    out_of_stock = next(one for one in scenarios.SCENARIOS if one.name == "out of stock")
    customers = order_at(shop, out_of_stock)
    (order_id,) = shop.orders
    shop.orders[order_id] = ("needs_attention", "refund_failed")
    assert len(findings_about(shop, customers).wrong) == 1

    shop.refused = [order_id]
    assert findings_about(shop, customers).wrong == []
    shop.orders[order_id] = ("cancelled", "out_of_stock")
    assert len(findings_about(shop, customers).wrong) == 1


def test_an_order_placed_twice_is_wrong():
    shop = MoodyShop()
    customers = order_at(shop)
    shop.orders[str(uuid4())] = ("delivered", "")
    assert findings_about(shop, customers).wrong == ["1 orders were accepted, and 2 are there"]


def test_a_refused_order_is_wrong():
    shop = MoodyShop(ApiError(400, {"detail": "lines: The order is empty"}))
    assert findings_about(shop, order_at(shop)).wrong == ["refused: a mug: lines: The order is empty"]


def test_an_audit_that_does_not_hold_is_wrong():
    shop = MoodyShop()
    found = Quiescence(holds=False, audit="stock    MUG: -1 are available")
    assert findings_about(shop, order_at(shop), found).wrong == ["stock    MUG: -1 are available"]


LOST = ("orders.OrderCreated.v1 never came to payments.when_order_created_charge_customer",
        "resent 0199b1d0-0000-7000-8000-000000000001 to payments.events")  # fmt: skip


def test_what_the_doctor_had_to_resend_was_lost_and_is_wrong():
    shop = MoodyShop()
    shop.repairs = [LOST]
    (wrong,) = findings_about(shop, order_at(shop), unbound="shipping.events").wrong
    assert wrong == f"{LOST[0]}: the order doctor {LOST[1]}"


def test_what_an_unbound_queue_missed_the_doctor_may_resend():
    shop = MoodyShop()
    shop.repairs = [LOST]
    assert findings_about(shop, order_at(shop), unbound="payments.events").wrong == []


# --- Webhooks ---


def webhooks(owed: list[tuple[str, str]], hurt: list[str], well: list[str]) -> list[str]:
    shop = MoodyShop()
    shop.owed = owed
    for path, events in (("/hurt", hurt), ("/well", well)):
        shop.receiver.inboxes[path].accepted.update(events)
    return undelivered(shop)  # type: ignore[arg-type]


def test_an_event_that_a_receiver_never_got_is_found():
    owed = [("e1", "order"), ("e2", "order")]
    assert webhooks(owed, ["e1", "e2", "e2"], ["e1", "e2"]) == []
    [lost] = webhooks(owed, ["e1"], ["e1", "e2"])
    assert "/hurt never got 1 of 2 events" in lost


def test_events_of_an_order_that_came_in_another_order_are_found():
    owed = [("e1", "order"), ("e2", "order"), ("e3", "other")]
    assert webhooks(owed, ["e3", "e1", "e2"], ["e1", "e3", "e2"]) == []
    [swapped] = webhooks(owed, ["e2", "e1", "e3"], ["e1", "e2", "e3"])
    assert "/hurt got events out of order: ['order']" in swapped
