"""Duplicate and reordered events: each order ends correctly, and has each effect once."""

from collections.abc import Callable

import pytest

from shop.settings import CONTEXTS
from tests.faults.damage import dead_letters
from tests.faults.hostile_relay import HostileRelay
from tests.faults.seeds import seeds
from tests.support.deployment import Deployment
from tests.support.servers import Broker

#: Arguments of an order and its final status.
SCENARIOS = (
    ({}, "delivered"),
    ({"payment_method": "pm_card_timeoutAfterCharge"}, "delivered"),
    ({"payment_method": "pm_card_visa_chargeDeclined"}, "cancelled"),
    ({"street": "EZ6000000006 Street"}, "cancelled"),
    ({"street": "EZ_TIMEOUT Street"}, "delivered"),
)


@pytest.mark.parametrize("seed", seeds(7, further=4))
def test_events_delivered_twice_and_in_shuffled_order_take_effect_once(
    deploy: Callable[..., Deployment], broker: Broker, seed: int
) -> None:
    workers = {"apps": CONTEXTS, "rivals": CONTEXTS}
    with deploy(broker, workers=workers) as shop, HostileRelay(shop, longest_delay=0.8, seed=seed) as hostile:
        ends = {shop.place_order(**how): end for how, end in SCENARIOS * 2}
        ends[shop.place_order(("MUG-BLUE", 1), ("SOLD-OUT", 1))] = "cancelled"
        shop.break_carrier("outage", "book")  # no parcel leaves before it is cancelled
        cancelled = [shop.place_order() for _ in range(3)]
        for order_id in cancelled:
            shop.cancel_order(order_id)
        ends |= dict.fromkeys(cancelled, "cancelled")
        shop.wait_for_status(cancelled, "cancelled")
        shop.mend_providers()

        shop.wait_for_status(ends, "delivered", "cancelled")
        assert shop.statuses(ends) == ends
        shop.audit()

        hostile.publish_everything_again()
        after = shop.place_order()
        shop.wait_for_status([after], "delivered")
        shop.audit()
        assert shop.statuses(ends) == ends
        assert dead_letters(shop) == []
        assert _was_early(shop), "some event came before its predecessor"


def _was_early(shop: Deployment) -> bool:
    """Return True if inventory received an order after its payment."""
    query = """
        select count(*) from messaging_eventrecord created
        join messaging_inboxentry heard on heard.event_id = created.id
        join messaging_eventrecord paid using (aggregate_id)
        where created.type = 'orders.OrderCreated.v2' and paid.type = 'payments.PaymentProcessed.v1'
          and heard.consumer like 'inventory.%%' and heard.consumed_at > paid.time
    """
    return bool(shop.rows(query)[0][0])
