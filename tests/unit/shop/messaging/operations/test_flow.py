"""The flow of each consumer: its rate and critical time, and what waits for it; the workers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shop.messaging.models import Circuit, ScheduledMessage, WorkerNode
from shop.messaging.operations.flow import flows, workers
from tests.unit.shop.messaging.dead_letters.examples import died

pytestmark = pytest.mark.django_db

CHARGES = "payments.when_order_created_charge_customer"


def test_what_waits_for_a_consumer_is_counted_by_kind():
    letter = died(error=ValueError("odd"))
    now = timezone.now()
    for number, kind in enumerate(("retry", "retry", "parked", "held")):
        about = {"aggregate_id": letter.aggregate_id, "type": f"a.b.v{number}", "body": "{}", "due_at": now}
        ScheduledMessage.objects.create(kind=kind, app="payments", consumer=CHARGES, **about)
    Circuit.objects.create(consumer=CHARGES, opened_at=now, probe_at=now, last_error="odd")
    found = flows()
    assert (found[CHARGES].retries, found[CHARGES].deferred, found[CHARGES].held) == (2, 1, 1)
    assert found[CHARGES].is_paused
    assert found[letter.consumer].dead == 1


def test_a_worker_that_has_not_reported_for_long_is_gone():
    now = timezone.now()
    for name, ago in (("orders@a", 1), ("payments@a", 16)):
        WorkerNode.objects.create(
            name=name, host="a", pid=1, queues="orders, shipping", processes=2, started_at=now,
            seen_at=now - timedelta(seconds=ago), in_hand=0, runs=0, runs_a_minute=0,
        )  # fmt: skip
    assert [(worker.name, worker.is_alive, worker.queues) for worker in workers()] == [
        ("orders@a", True, ("orders", "shipping")),
        ("payments@a", False, ("orders", "shipping")),
    ]
