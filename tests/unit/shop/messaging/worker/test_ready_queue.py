"""Order of the ready queue: low priority yields, and events of one order keep their order."""

import pytest

from shop.messaging.consuming import consumers, has_low_priority
from shop.messaging.worker import bridge
from shop.messaging.worker.incoming import IncomingEvent
from shop.messaging.worker.ready_queue import (
    LOADED_FROM,
    LOW_PRIORITY_DELAY,
    MAX_OVERTAKING,
    MAX_STATUS_OVERTAKING,
    ReadyQueue,
)
from tests.unit.shop.messaging.worker.doubles import PAID, Channel, Message, event

A_MINUTE = 60.0
SHIPPED, REFUND = "shipping.OrderShipped.v2", "orders.RefundRequested.v1"
CREATED, FAILED = "orders.OrderCreated.v1", "payments.PaymentFailed.v1"
BOOKED, CANCELLED = "inventory.InventoryUpdated.v1", "orders.OrderCancellationRequested.v1"
COUNTING, DEDUCTING, REMEMBERING = (
    "analytics.when_payment_processed_add_revenue",
    "inventory.when_payment_processed_deduct_stock",
    "inventory.when_order_created_remember_its_lines",
)
BOOKING, STOPPING = (
    "shipping.when_inventory_updated_book_carrier",
    "shipping.when_cancellation_requested_stop_shipment",
)


@pytest.fixture
def later(monkeypatch):
    """Suspend the end of the low-priority delay until the returned function is called."""
    monkeypatch.setattr("shop.messaging.worker.ready_queue.LOW_PRIORITY_DELAY", A_MINUTE)
    return lambda: monkeypatch.setattr("shop.messaging.worker.ready_queue.LOW_PRIORITY_DELAY", 0.0)


def started(celery) -> list[str]:
    return [task for task, *_ in celery.started]


def paid(tag: int, events: int = 1) -> Message:
    return Message(Channel(), tag, *[event(PAID) for _ in range(events)])


def arrive(ready: ReadyQueue, app: str, *events: dict, ago: float = 0.0) -> list[IncomingEvent]:
    """Add events to the ready queue, as if they had arrived ``ago`` seconds ago."""
    arrived = bridge.identify(app, Message(Channel(), 1, *events))
    for incoming in arrived:
        incoming.arrived -= ago
        ready.add(incoming)
    return arrived


def taken(ready: ReadyQueue) -> list[tuple[str, int]]:
    """Take batches until none may run; none of them finishes."""
    batches = []
    while batch := ready.take():
        batches.append((batch.task, len(batch.events)))
    return batches


def test_letters_figures_and_the_state_of_orders_are_what_nobody_waits_for():
    waited_for = {consumer.name for consumer in consumers() if not has_low_priority(consumer)}
    assert {name.split(".")[0] for name in waited_for} >= {"payments", "inventory", "shipping", "orders"}
    assert not {name for name in waited_for if name.startswith(("notifications.", "analytics."))}
    assert {"orders.when_payment_failed_cancel_order", REMEMBERING} <= waited_for
    assert "orders.when_payment_processed_mark_order_paid" not in waited_for
    assert "payments.when_order_shipped_capture_payment" not in waited_for


@pytest.mark.parametrize("concurrency", [1])
def test_only_a_full_batch_waits_in_the_pool_for_a_process(celery, dispatcher):
    celery.deliver(dispatcher, paid(1), app="inventory")
    celery.deliver(dispatcher, paid(2, events=99), app="inventory")
    assert [events for _, events, *_ in celery.started] == [1], "more may arrive that can run with the 99"
    celery.deliver(dispatcher, paid(3), app="inventory")
    assert [events for _, events, *_ in celery.started] == [1, 100]
    celery.deliver(dispatcher, paid(4, events=100), app="inventory")
    assert len(celery.started) == 2, "and no more than one"


def test_a_full_batch_takes_no_place_from_what_goes_first():
    ready = ReadyQueue(concurrency=1)
    arrive(ready, "inventory", *[event(PAID) for _ in range(101)])
    arrive(ready, "analytics", *[event(PAID) for _ in range(500)])
    ready.take()
    assert ready.take(full_only=True) is None, "one more event of inventory has to run first"
    ready.take()
    assert ready.take(full_only=True) is None, "the running batch may publish events that have to run first"


def test_low_priority_batches_wait_in_the_pool_while_there_is_nothing_else():
    ready = ReadyQueue(concurrency=1)
    arrive(ready, "analytics", *[event(PAID) for _ in range(1000)])
    ready.take()
    assert len(ready.take(full_only=True).events) == 500


# --- Low priority -------------------------------------------------------------------------------


def test_what_carries_an_order_on_starts_at_once(celery, dispatcher):
    celery.deliver(dispatcher, paid(1), app="inventory")
    assert started(celery) == [DEDUCTING]


def test_what_nobody_waits_for_starts_a_moment_later_by_itself(celery, dispatcher, later):
    celery.deliver(dispatcher, paid(1), app="analytics")
    assert started(celery) == []
    [(seconds, _)] = celery.timers
    assert A_MINUTE / 2 < seconds <= A_MINUTE

    later()
    celery.fire_timers()
    assert started(celery) == [COUNTING]


def test_while_it_waits_there_is_one_timer(celery, dispatcher, later):
    celery.deliver(dispatcher, paid(1), app="analytics")
    celery.deliver(dispatcher, paid(2), app="analytics")
    assert len(celery.timers) == 1


def test_a_timer_after_the_end_starts_nothing(celery, dispatcher, later):
    celery.deliver(dispatcher, paid(1), app="analytics")
    later()
    dispatcher.close()
    celery.fire_timers()
    assert started(celery) == []


def test_where_many_wait_there_is_load_and_they_start_at_once(celery, dispatcher, later):
    celery.deliver(dispatcher, paid(1, events=LOADED_FROM - 1), app="analytics")
    assert started(celery) == []
    celery.deliver(dispatcher, paid(2), app="analytics")
    assert [(task, events) for task, events, *_ in celery.started] == [(COUNTING, LOADED_FROM)]
    celery.deliver(dispatcher, paid(3), app="analytics")
    assert len(celery.started) == 1


def test_what_came_later_and_carries_on_goes_first():
    ready = ReadyQueue(concurrency=1)
    arrive(ready, "analytics", event(PAID), ago=MAX_OVERTAKING / 2)
    arrive(ready, "inventory", event(PAID))
    assert taken(ready) == [(DEDUCTING, 1), (COUNTING, 1)]


def test_but_not_for_ever():
    ready = ReadyQueue(concurrency=1)
    arrive(ready, "analytics", event(PAID), ago=MAX_OVERTAKING + 0.1)
    arrive(ready, "inventory", event(PAID))
    assert taken(ready) == [(COUNTING, 1), (DEDUCTING, 1)]


def test_the_state_that_an_order_shows_is_overtaken_for_a_shorter_time_than_letters_and_figures():
    ready = ReadyQueue(concurrency=1)
    for app, ago in (
        ("analytics", MAX_OVERTAKING / 2),
        ("inventory", 0),
        ("orders", MAX_STATUS_OVERTAKING + 3),
    ):
        arrive(ready, app, event(PAID), ago=ago)
    apps = []
    while batch := ready.take():
        apps.append(batch.task.split(".")[0])
        ready.finish(batch)
    assert apps == ["orders", "inventory", "analytics"]


def test_captures_of_shipped_orders_wait_as_long_as_letters_and_hold_up_nothing():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "payments", event(SHIPPED, "an-order"), ago=MAX_OVERTAKING / 2)
    arrive(ready, "inventory", event(PAID))
    assert taken(ready) == [(DEDUCTING, 1), ("payments.when_order_shipped_capture_payment", 1)]
    arrive(ready, "payments", event(REFUND, "an-order"))
    assert [task for task, _ in taken(ready)] == ["payments.when_refund_requested_give_money_back"]


def test_what_nobody_waits_for_leaves_half_the_processes_to_the_others():
    ready = ReadyQueue(concurrency=4)
    for app in ("inventory", "analytics", "notifications", "orders"):
        arrive(ready, app, event(PAID), ago=MAX_STATUS_OVERTAKING / 2)
    assert next(task for task, _ in taken(ready)) == DEDUCTING
    assert len(ready.clear()) == 1


def test_and_has_all_of_them_while_the_others_have_nothing_to_do():
    ready = ReadyQueue(concurrency=2)
    for app in ("analytics", "notifications", "orders"):
        arrive(ready, app, event(PAID), ago=LOW_PRIORITY_DELAY)
    assert len(taken(ready)) == 3


# --- Order within an aggregate ------------------------------------------------------------------


def test_what_happened_to_an_order_runs_in_its_order_however_many_processes_there_are():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "inventory", event(CREATED, subject="a"), event(CREATED, subject="b"))
    remembering = ready.take()
    arrive(ready, "inventory", event(PAID, subject="a"), event(PAID, subject="c"))
    assert taken(ready) == [(DEDUCTING, 1)], "c, which has no running event"

    ready.finish(remembering)
    assert taken(ready) == [(DEDUCTING, 1)]


def test_a_later_event_does_not_overtake_one_that_still_waits(later):
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "orders", event(PAID, subject="a"))
    arrive(ready, "orders", event(FAILED, subject="a"), event(FAILED, subject="b"))
    assert [events for _, events in taken(ready)] == [1], (
        "b; the event of a before its failure is still delayed"
    )


def test_a_cancellation_gets_past_a_carrier_that_takes_long():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "shipping", event(BOOKED, subject="a"), ago=1)
    booking = ready.take()
    arrive(ready, "shipping", event(CANCELLED, subject="a"))
    stopping = ready.take()
    assert (booking.task, stopping.task) == (BOOKING, STOPPING)


def test_a_cancellation_waits_for_no_booking_that_waits():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "shipping", event(BOOKED, subject="a"))
    arrive(ready, "shipping", event(CANCELLED, subject="a"))
    # Both may run. take() would show the older one first, blocked or not.
    unblocked = [ready._first_unblocked(queue) for queue in ready._eligible_queues()]
    assert [event.task for event in unblocked] == [BOOKING, STOPPING]


def test_but_both_wait_for_what_shipping_has_to_remember():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "shipping", event(CREATED, subject="a"))
    arrive(ready, "shipping", event(BOOKED, subject="a"), event(CANCELLED, subject="a"))
    remembering = ready.take()
    assert ready.take() is None
    ready.finish(remembering)
    assert sorted(taken(ready)) == [(STOPPING, 1), (BOOKING, 1)]


def test_what_is_done_with_a_provider_frees_no_order_that_something_else_holds_up():
    ready = ReadyQueue(concurrency=3)
    arrive(ready, "shipping", event(BOOKED, subject="a"), ago=1)
    booking = ready.take()
    arrive(ready, "shipping", event(CREATED, subject="a"))
    remembering = ready.take()
    arrive(ready, "shipping", event(CANCELLED, subject="a"))
    ready.finish(booking)
    assert ready.take() is None
    ready.finish(remembering)
    assert taken(ready) == [(STOPPING, 1)]


def test_a_letter_waits_for_the_one_before_it():
    ready = ReadyQueue(concurrency=4)
    arrive(ready, "notifications", event(CREATED, subject="a"), ago=LOW_PRIORITY_DELAY)
    receipt = ready.take()
    arrive(ready, "notifications", event(PAID, subject="a"), ago=LOW_PRIORITY_DELAY)
    assert ready.take() is None
    ready.finish(receipt)
    assert len(taken(ready)) == 1


def test_contexts_know_nothing_of_each_other():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "inventory", event(CREATED, subject="a"))
    arrive(ready, "shipping", event(CREATED, subject="a"))
    assert len(taken(ready)) == 2


def test_several_events_of_one_order_for_one_consumer_run_together():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "inventory", event(PAID, subject="a"), event(PAID, subject="a"))
    assert taken(ready) == [(DEDUCTING, 2)]


@pytest.mark.parametrize("subject", ["", None, ["a"]])
def test_what_names_no_order_waits_for_nobody(subject):
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "inventory", event(CREATED, subject=subject))
    arrive(ready, "inventory", event(PAID, subject=subject))
    assert len(taken(ready)) == 2


def test_an_event_that_comes_back_is_the_first_of_its_order_again():
    ready = ReadyQueue(concurrency=2)
    [back] = arrive(ready, "inventory", event(CREATED, subject="a"))
    ready.finish(ready.take())
    arrive(ready, "inventory", event(PAID, subject="a"))
    ready.add(back)
    again = ready.take()
    assert again.events == [back], "it came first"
    assert ready.take() is None
    ready.finish(again)
    assert taken(ready) == [(DEDUCTING, 1)]


def test_nothing_is_left_of_orders_that_are_done():
    ready = ReadyQueue(concurrency=2)
    arrive(ready, "inventory", event(CREATED, subject="a"), event(CREATED, subject="b"))
    ready.finish(ready.take())
    # Only the attributes would show a leak of memory.
    assert not ready._waiting_by_key
    assert not ready._running_keys


def test_what_may_bring_a_worker_down_runs_alone():
    ready = ReadyQueue(concurrency=2)
    first, suspect, last = arrive(ready, "inventory", *[event(PAID) for _ in range(3)])
    suspect.alone = True
    batches = [ready.take(), ready.take()]
    assert [batch.events for batch in batches] == [[first, last], [suspect]]


@pytest.mark.parametrize(("app", "messages"), [("analytics", 100), ("payments", 1000 // 25)])
def test_fewer_messages_are_in_hand_where_a_provider_is_called(settings, app, messages):
    settings.SHOP_EVENTS_PER_MESSAGE = 25
    assert bridge.prefetch_count(app, concurrency=10) == messages
