"""Apps that only listen let those that carry an order on go first, for a moment, and never for long."""

from types import SimpleNamespace

import pytest

from shop.messaging import bridge
from shop.messaging.consuming import consuming_apps, only_listens
from shop.messaging.dispatcher import ENOUGH
from tests.unit.messaging.hands import PAID, Channel, Message, deliver, event

COUNTING, DEDUCTING = (
    "analytics.when_payment_processed_add_revenue",
    "inventory.when_payment_processed_deduct_stock",
)


def started(celery) -> list[str]:
    return [task for task, *_ in celery.started]


def paid(tag: int, events: int = 1) -> Message:
    return Message(Channel(), tag, *[event(PAID)] * events)


@pytest.fixture
def later(monkeypatch):
    """Let the courtesy pass."""

    def let_it_pass(dispatcher):
        for queue in dispatcher._ready.values():
            for delivered in queue:
                delivered.due -= bridge.COURTESY

    return let_it_pass


def test_letters_and_figures_are_what_nobody_waits_for():
    contexts = {"orders", "payments", "inventory", "shipping", "notifications", "analytics"}
    listening = {app for app in contexts.intersection(consuming_apps()) if only_listens(app)}
    assert listening == {"notifications", "analytics"}


def test_what_carries_an_order_on_starts_at_once(celery, dispatcher):
    deliver(dispatcher, paid(1), app="inventory")
    assert started(celery) == [DEDUCTING]


def test_what_only_listens_starts_a_moment_later_by_itself(celery, dispatcher, later):
    deliver(dispatcher, paid(1), app="analytics")
    assert started(celery) == []
    [(seconds, ring)] = celery.alarms
    assert 0 < seconds <= bridge.COURTESY

    later(dispatcher)
    ring()
    assert started(celery) == [COUNTING]


def test_while_it_waits_there_is_one_alarm(celery, dispatcher):
    deliver(dispatcher, paid(1), app="analytics")
    deliver(dispatcher, paid(2), app="analytics")
    assert len(celery.alarms) == 1


def test_what_came_later_and_carries_on_goes_first(celery, dispatcher, later):
    dispatcher._places = 0
    deliver(dispatcher, paid(1), app="analytics")
    deliver(dispatcher, paid(2), app="inventory")
    dispatcher._places = 2
    dispatcher._start_when_read()
    assert started(celery) == [DEDUCTING]

    later(dispatcher)
    dispatcher._start_when_read()
    assert started(celery) == [DEDUCTING, COUNTING]


def test_where_several_wait_there_is_load_and_they_start_at_once(celery, dispatcher):
    deliver(dispatcher, paid(1, events=ENOUGH - 1), app="analytics")
    assert started(celery) == []
    deliver(dispatcher, paid(2), app="analytics")
    assert [(task, events) for task, events, *_ in celery.started] == [(COUNTING, ENOUGH)]


def test_an_alarm_after_the_end_starts_nothing(celery, dispatcher, later):
    deliver(dispatcher, paid(1), app="analytics")
    [(_, ring)] = celery.alarms
    later(dispatcher)
    dispatcher.close()
    ring()
    assert started(celery) == []


@pytest.mark.parametrize(("app", "messages"), [("analytics", 100), ("payments", 1000 // 25)])
def test_fewer_messages_are_in_hand_where_a_provider_is_called(celery, settings, app, messages):
    settings.SHOP_EVENTS_PER_MESSAGE = 25
    celery.connection.transport.driver_type = "amqp"
    consumer = SimpleNamespace(_c=celery)
    assert bridge.Bridge._prefetch(consumer, app) == messages
