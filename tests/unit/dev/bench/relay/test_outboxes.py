"""Outboxes filled by script/bench: their own programs can relay the rows."""

import pickle
from functools import partial
from types import SimpleNamespace

import kombu
import pytest

from dev.bench import messages
from dev.bench.competitors import jaiminho_publish
from dev.bench.relay import outboxes

_POSTGRES = SimpleNamespace(create_database=lambda name: f"postgresql://bench@localhost/{name}")
_RABBITMQ = SimpleNamespace(url=lambda: "memory://", stomp_port=61613, password="carrot")


@pytest.fixture
def event():
    return messages.make_events(1)[0]


@pytest.fixture
def jaiminho(monkeypatch):
    monkeypatch.setenv("BENCH_AMQP_URL", "memory://")
    monkeypatch.setenv("BENCH_CONFIRMS", "0")
    jaiminho_publish._producer.cache_clear()
    yield outboxes.django_jaiminho(_POSTGRES, _RABBITMQ, confirms=False)
    jaiminho_publish._producer.cache_clear()


def test_a_row_of_django_jaiminho_publishes_its_event_once_it_is_called(jaiminho, event):
    exchange = kombu.Exchange(messages.EXCHANGE, "topic")
    row = dict(zip(jaiminho.columns.split(", "), jaiminho.row(event), strict=True))

    with kombu.Connection("memory://") as connection:
        queue = kombu.Queue("orders.events", exchange, routing_key=event.type)(connection.channel())
        queue.declare()
        function, arguments = (pickle.loads(row[name]) for name in ("function", "message"))  # noqa: S301 - ours
        function(*arguments)
        message = queue.get()

    assert message.body.decode() == event.body
    assert message.delivery_info["routing_key"] == event.type
    assert message.properties["delivery_mode"] == kombu.Exchange.PERSISTENT_DELIVERY_MODE


def test_rows_of_django_jaiminho_are_of_different_times_for_it_relays_by_them(jaiminho):
    created_at = jaiminho.columns.split(", ").index("created_at")
    times = [jaiminho.row(event)[created_at] for event in messages.make_events(20)]

    assert times == sorted(set(times))


@pytest.mark.parametrize(
    "make",
    [
        outboxes.django_outbox_pattern,
        partial(outboxes.django_celery_outbox, confirms=True),
        partial(outboxes.django_jaiminho, confirms=True),
    ],
    ids=["django-outbox-pattern", "django-celery-outbox", "django-jaiminho"],
)
def test_a_row_has_a_value_for_each_column(make, event):
    outbox = make(_POSTGRES, _RABBITMQ)

    assert len(outbox.row(event)) == len(outbox.columns.split(", "))
