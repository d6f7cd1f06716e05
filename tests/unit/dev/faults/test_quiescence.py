"""The operator of the shop under test runs the order doctor only when no message is pending."""

import json
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from django.db import connection

from dev.faults import quiescence, servers
from dev.faults.quiescence import Quiescence
from shop.ids import uuid7
from shop.messaging.models import ScheduledMessage


class Quiet:
    """A system without any change, in which ``queued`` and ``unpublished`` messages are stuck."""

    def __init__(self, queued: int = 0, unpublished: int = 0) -> None:
        self._queued, self._unpublished = queued, unpublished
        self.rabbitmq, self.kafka = SimpleNamespace(control=self._list_queues), None

    def _list_queues(self, *arguments: str) -> str:
        queues = {"orders.events": self._queued, "analytics.events": 0, "orders.dead": 1, "messaging": 1}
        return json.dumps([{"name": name, "messages": count} for name, count in queues.items()])

    def rows(self, query: str) -> list[tuple[int]]:
        return [(self._unpublished,)]


def operate_in(
    system: Quiet, monkeypatch: pytest.MonkeyPatch, letters: str = "{}"
) -> tuple[list[str], Quiescence]:
    """Let the operator act; return the commands and the findings."""
    commands, known = [], Quiescence()

    def run(_: object, command: str, *arguments: str) -> SimpleNamespace:
        commands.append(command)
        lost = "lost       analytics.count: never took 1 event\n  repaired: resent 1 to analytics.events"
        return SimpleNamespace(stdout=letters if command == "shell" else lost)

    monkeypatch.setattr(quiescence, "_run", run)
    quiescence._operate(system, known)  # type: ignore[arg-type]
    return commands, known


def test_the_doctor_comes_once_nothing_is_under_way(monkeypatch):
    commands, known = operate_in(Quiet(), monkeypatch)
    assert commands == ["shell", "audit"]
    assert known.repairs == ["repaired: resent 1 to analytics.events"]


@pytest.mark.parametrize("stuck", [{"queued": 1}, {"unpublished": 1}])
def test_what_waits_somewhere_is_not_lost(stuck, monkeypatch):
    assert operate_in(Quiet(**stuck), monkeypatch)[0] == ["shell"]


def test_what_was_just_replayed_is_under_way(monkeypatch):
    commands, known = operate_in(Quiet(), monkeypatch, '{"failed": 2}')
    assert (commands, known.letters) == (["shell"], {"failed": 2})


def test_an_unbound_queue_is_remembered(monkeypatch):
    binding = {"source_name": "shop.events", "destination_name": "orders.events", "routing_key": "x.Y.v1"}
    rabbitmq = SimpleNamespace(control=lambda *arguments: json.dumps([binding]))
    system, channel = SimpleNamespace(rabbitmq=rabbitmq, unbound=set()), MagicMock()
    monkeypatch.setattr(servers, "channel_to", channel)
    next(servers.queue_unbound(system, Random(1)))
    unbind = channel.return_value.__enter__.return_value.queue_unbind
    unbind.assert_called_once_with("orders.events", "shop.events", "x.Y.v1")
    assert system.unbound == {"orders.events"}


def rows_of(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def scheduled(kind):
    event_id = uuid7()
    ScheduledMessage.objects.create(
        kind=kind, app="orders", type="x.Y.v1", message_id=event_id, aggregate_id=event_id, body="{}",
        due_at=datetime.now(UTC),
    )  # fmt: skip


@pytest.mark.django_db
def test_what_is_parked_may_wait_for_what_is_lost_and_the_doctor_comes():
    system = Quiet()
    system.rows = rows_of
    scheduled("parked")
    scheduled("reminder")
    assert not quiescence._has_pending_messages(system)
    scheduled("retry")
    assert quiescence._has_pending_messages(system)
