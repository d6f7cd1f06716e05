"""The load generator against a fake shop."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from dev.errors import ScriptError
from dev.load import generator, scenarios
from dev.load.api import ApiError
from dev.load.feed import LoggedEvent
from dev.load.generator import CustomerOrder, LoadGenerator


class FakeShop:
    """API and feed in one: each read of the feed advances all orders by an event."""

    def __init__(self, *, way: tuple[str, ...], end: str, reason: str = "") -> None:
        self.way, self.end, self.reason = way, end, reason
        self.steps: dict[UUID, int] = {}
        self.posted: list[str] = []
        self.placed_at = datetime.now(UTC) + timedelta(seconds=5)

    def as_owner_of(self, token: str) -> "FakeShop":
        return self

    def post(self, path: str, body: object, **headers: str) -> dict[str, str]:
        self.posted.append(path)
        if path.endswith("/cancel"):
            raise ApiError(409, {"detail": "the parcel has left"})
        if body == "nonsense":
            raise ApiError(400, {"detail": "lines: The order is empty"})
        order_id = uuid4()
        self.steps[order_id] = 0
        return {"id": str(order_id), "number": "ORD-1", "placed_at": self.placed_at.isoformat()}

    def get(self, path: str) -> dict[str, str]:
        return {"status": self.end, "reason": self.reason}

    def new(self):
        for order_id, step in self.steps.items():
            if step < len(self.way):
                self.steps[order_id] += 1
                yield LoggedEvent(step, f"orders.{self.way[step]}.v1", order_id, datetime.now(UTC), "ORD-1")


def place_and_follow(shop: FakeShop, *orders: CustomerOrder) -> None:
    LoadGenerator(shop, shop, rate=0, tend=lambda: None).run(orders, lambda placed, done: None)  # type: ignore[arg-type]


def an_order(body: object = None, **options: str | None) -> CustomerOrder:
    return CustomerOrder("a mug", "token", body, "key", **options)  # type: ignore[arg-type]


def test_an_order_is_followed_to_its_end():
    shop = FakeShop(way=("OrderCreated", "OrderCancelled"), end="cancelled", reason="payment_failed")
    order = an_order()
    place_and_follow(shop, order)

    assert order.outcome == "cancelled (payment_failed)"


def test_a_refused_order_is_done_with_the_reason():
    order = an_order("nonsense")
    place_and_follow(FakeShop(way=(), end=""), order)

    assert (order.outcome, order.refusal) == ("refused", "lines: The order is empty")


def test_an_order_is_cancelled_when_it_has_come_so_far_and_the_refusal_is_kept():
    shop = FakeShop(way=("OrderCreated", "OrderShipped", "OrderDelivered"), end="delivered")
    order = an_order(cancel_after="OrderShipped")
    place_and_follow(shop, order)

    assert [path.rsplit("/", 1)[1] for path in shop.posted] == ["orders", "cancel"]
    assert (order.status, order.cancel_refusal) == ("delivered", "the parcel has left")


@pytest.mark.parametrize("answers", [("InventoryAwaited", "InventoryReserved"), ("InventoryReserved",), ()])
def test_goods_that_an_order_needs_are_received_once_also_if_it_took_those_of_another(answers):
    way = ("OrderCreated", *answers, "InventoryUpdated", "OrderDelivered")
    shop, order, received = FakeShop(way=way, end="delivered"), an_order(awaits_goods=True), []  # type: ignore[arg-type]
    load = LoadGenerator(shop, shop, rate=0, tend=lambda: None, receive_goods=received.append)  # type: ignore[arg-type]
    load.run([order], lambda placed, done: None)

    assert received == [order]


def test_an_order_of_an_earlier_run_is_looked_at_instead_of_waited_for():
    shop = FakeShop(way=(), end="delivered")
    shop.placed_at = datetime.now(UTC) - timedelta(days=1)
    order = an_order(cancel_after="")
    place_and_follow(shop, order)

    assert order.status == "delivered"
    assert len(shop.posted) == 1


def test_orders_that_get_stuck_are_named(monkeypatch):
    monkeypatch.setattr(generator, "_IDLE_TIMEOUT", 0.2)

    with pytest.raises(ScriptError, match=r"nothing has happened .* ORD-1"):
        place_and_follow(FakeShop(way=("OrderCreated",), end="placed"), an_order())


def test_every_scenario_is_drawn_if_there_is_room_and_a_seed_draws_the_same_again():
    drawn = scenarios.draw(100, seed=7)

    assert set(drawn) == set(scenarios.SCENARIOS)
    assert drawn == scenarios.draw(100, seed=7) != scenarios.draw(100, seed=8)
    assert len(scenarios.draw(3, seed=7)) == 3


def test_shares_add_up_to_a_hundred():
    assert sum(scenario.share for scenario in scenarios.SCENARIOS) == 100


def test_an_order_that_should_not_be_sold_out_is_not():
    drawn = scenarios.draw(100, seed=7)
    orders = scenarios.orders_for(drawn, skus=["MUG", "TEAPOT"], tokens=["t"], seed=7, run="r")

    sold_out = [any(line["sku"] == scenarios.SOLD_OUT_SKU for line in w.body["lines"]) for w in orders]
    assert sold_out == [scenario.sold_out for scenario in drawn]
    assert max(Counter(w.idempotency_key for w in orders).values()) == 1
