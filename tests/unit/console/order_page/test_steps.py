"""The steps of an order are what its timeline says of them."""

from datetime import timedelta

import pytest

from console.order_page.steps import steps_of
from shop.messaging.event_log import timeline

pytestmark = pytest.mark.django_db


def states(order) -> dict[str, str]:
    return {step.title: step.state.value for step in steps_of(timeline(order.pk))}


def test_all_steps_of_a_delivered_order_are_done_and_took_their_time(shop):
    order = shop.delivered()
    assert set(states(order).values()) == {"done"}
    assert all(step.took_text for step in steps_of(timeline(order.pk)))


def test_a_new_order_waits_for_its_first_step(shop):
    assert list(states(shop.place()).values()) == [
        "done",
        "running",
        "waiting",
        "waiting",
        "waiting",
        "waiting",
    ]


def test_a_declined_payment_failed_and_what_it_had_reserved_is_undone(shop):
    found = states(shop.declined())
    assert (found["Paid"], found["Reserved"]) == ("failed", "undone")
    assert found["Shipped"] == found["Delivered"] == "skipped"


def test_what_the_carrier_refused_is_given_back(shop):
    found = states(shop.refused_by_carrier())
    assert (found["Shipped"], found["Stock taken"], found["Delivered"]) == ("failed", "undone", "skipped")


def test_nothing_runs_after_a_step_that_failed(shop):
    found = states(shop.stuck_refund())
    assert (found["Shipped"], found["Delivered"]) == ("failed", "waiting")


def test_a_shipped_order_is_on_its_way(shop, settings):
    settings.SHOP_TRACKING_INTERVAL = timedelta(days=1)
    assert states(shop.shipped())["Delivered"] == "running"
