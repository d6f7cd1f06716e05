"""``manage.py trace`` prints who consumed an order's events, what they led to, and what is missing."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from payments.models import GatewayFault
from shop.messaging.consuming import failures
from shop.messaging.models import InboxEntry
from shop.messaging.operations.traces import trace_of
from tests.support.inprocess import deliver_all, fire_retries

#: Lines without times.
_TIMES = re.compile(r"\d{4}-\d\d-\d\d [\d:.]+ | waited -?[\d.]+ m?s,| took -?[\d.]+ m?s")


@pytest.fixture
def trace():
    def print_trace(number: str) -> list[str]:
        out = StringIO()
        call_command("trace", number, stdout=out)
        return out.getvalue().splitlines()

    return print_trace


def bare(lines: list[str]) -> list[str]:
    return [_TIMES.sub("", line) for line in lines]


def test_each_event_hangs_below_the_run_that_published_it(shop, trace):
    lines = bare(trace(shop.delivered().number))
    depth = {line.split()[-1]: len(line) - len(line.lstrip("│├└─ ")) for line in lines}
    created = next(line for line in lines if "orders.OrderCreated" in line)
    assert lines[0].endswith("is delivered.")
    assert lines[1] == created
    assert depth["payments.when_order_created_charge_customer"] == 3
    assert depth["payments.PaymentProcessed.v1"] == 6
    assert depth["inventory.when_payment_processed_deduct_stock"] == 9
    assert depth["inventory.InventoryUpdated.v1"] == 12
    assert any(line.startswith("reminder: shipping.when_tracking_due") for line in lines)
    assert not any("NOT CONSUMED" in line for line in lines)


def test_waiting_and_running_add_up_to_the_time_of_consumption(shop):
    order = shop.place()
    InboxEntry.objects.all().delete()
    before = datetime.now(UTC)
    deliver_all()
    [created] = trace_of(order.pk).requested
    for run in created.consumptions:
        row = InboxEntry.objects.get(event_id=created.event.id, consumer=run.consumer)
        assert created.event.time + run.waited + run.took == row.consumed_at
        assert run.waited > before - created.event.time - timedelta(seconds=1)
        assert run.took > timedelta()


def test_failed_attempts_are_counted_and_the_next_one_is_announced(shop, trace, monkeypatch):
    monkeypatch.setattr(failures, "FIRST_DEFERRAL", timedelta(days=1))
    fault = GatewayFault.objects.create(kind="outage", calls_left=None)
    order = shop.place()
    deliver_all()
    [line] = [line for line in trace(order.number) if "charge_customer" in line]
    assert "NOT CONSUMED: Retry at" in line

    fault.delete()
    fire_retries()
    [line] = [line for line in trace(order.number) if "charge_customer" in line]
    assert line.endswith("tried 2 times")


def test_an_event_that_nobody_has_consumed_yet_is_on_its_way(shop, trace):
    lines = trace(shop.place().number)
    waiting = "payments.when_order_created_charge_customer NOT CONSUMED: on its way"
    assert any(line.endswith(waiting) for line in lines)


def test_what_the_inbox_has_pruned_is_shown_as_its_events_alone(shop, trace):
    order = shop.delivered()
    InboxEntry.objects.all().delete()
    names = {"OrderCreated", "PaymentProcessed", "InventoryUpdated", "OrderShipped"}
    text = "\n".join(trace(order.number))
    assert all(name in text for name in names)


def test_an_unknown_order_is_an_error_that_says_what_numbers_look_like(shop, trace):
    with pytest.raises(CommandError, match="There is no order ORD-9"):
        trace("ORD-9")
