"""An arrow sums up the consumers of one context's events in another; the worst decides its state."""

import pytest

from console.flow.graph import Arrow, arrows, places
from shop.messaging.consuming import consumers
from shop.messaging.operations.flow import ConsumerFlow

CHARGES = "payments.when_order_created_charge_customer"
ALL = frozenset(
    f"{app}.events"
    for app in ("orders", "payments", "inventory", "shipping", "notifications", "analytics", "integrations")
)


def arrow(flow: ConsumerFlow, served: frozenset[str] = ALL) -> Arrow:
    found = arrows(consumers(), {CHARGES: flow}, served)
    (one,) = [arrow for arrow in found if (arrow.source, arrow.target) == ("orders", "payments")]
    return one


@pytest.mark.parametrize(
    ("flow", "state"),
    [
        (ConsumerFlow(), "idle"),
        (ConsumerFlow(a_minute=3), "busy"),
        (ConsumerFlow(a_minute=3, retries=1), "late"),
        (ConsumerFlow(a_minute=3, retries=1, dead=1), "failing"),
        (ConsumerFlow(is_paused=True), "failing"),
    ],
)
def test_the_worst_decides(flow, state):
    assert arrow(flow).state == state


def test_without_a_worker_an_arrow_is_down_whatever_flows():
    without = ALL - {"payments.events"}
    assert arrow(ConsumerFlow(a_minute=3), without).state == "down"
    assert {place.name for place in places(without, {}) if place.is_down} == {"payments"}


def test_an_arrow_sums_up_its_consumers():
    found = arrow(ConsumerFlow(a_minute=3, p99=0.25, held=1, deferred=2))
    assert (found.a_minute, found.p99, found.held) == (3, 0.25, 3)
    assert len(found.consumers) > 1


def test_every_event_that_crosses_contexts_is_in_an_arrow():
    crossing = {consumer.name for consumer in consumers() if consumer.event.app != consumer.app}
    drawn = {consumer.name for one in arrows(consumers(), {}, ALL) for consumer, _ in one.consumers}
    assert drawn == {name for name in crossing if not name.startswith("webhooks.")}


def test_arrows_in_both_directions_do_not_cover_each_other():
    paths = [one.path for one in arrows(consumers(), {}, ALL)]
    assert len(set(paths)) == len(paths)
