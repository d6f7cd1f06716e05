"""State of the webhooks, as metrics and alerts see it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Delivery, Endpoint
from integrations.queries import standing
from shop.ids import uuid7
from tests.unit.integrations.happenings import cancelled, take_up_all

pytestmark = pytest.mark.django_db


def endpoint(**values) -> Endpoint:
    return Endpoint.objects.create(url="https://example.com", event_types=["*"], secret=b"", **values)


def delivery(to: Endpoint, *, minutes: int, state: str = "pending") -> None:
    now = timezone.now()
    Delivery.objects.create(
        endpoint=to,
        event_id=uuid7(),
        type="orders.OrderCancelled.v1",
        aggregate_id=uuid7(),
        sequence=1,
        occurred_at=now - timedelta(minutes=minutes),
        state=state,
        expires_at=now + timedelta(days=3),
    )


def test_the_oldest_delivery_counts_unless_its_endpoint_fails_or_it_is_done():
    well, failing = endpoint(), endpoint(failing_since=timezone.now())
    delivery(well, minutes=10)
    delivery(well, minutes=2)
    delivery(well, minutes=60, state="delivered")
    delivery(failing, minutes=90)
    delivery(endpoint(state="paused"), minutes=95)
    found = standing()
    assert found.pending == 4
    assert 600 <= found.oldest < 660


def test_endpoints_are_counted_by_state_and_by_failure():
    endpoint(), endpoint(failing_since=timezone.now()), endpoint(state="gone", failing_since=timezone.now())
    found = standing()
    assert dict(found.endpoints) == {"enabled": 1, "failing": 1, "paused": 0, "gone": 1}
    assert (found.pending, found.oldest) == (0, 0)


def test_an_event_that_is_not_taken_up_counts_while_an_endpoint_waits(monkeypatch):
    take_up_all()
    cancelled(taken_up=False)
    later = timezone.now() + timedelta(minutes=10)
    monkeypatch.setattr(timezone, "now", lambda: later)
    paused = endpoint(state="paused")
    assert standing().oldest == 0
    Endpoint.objects.filter(pk=paused.pk).update(state="enabled")
    assert 600 <= standing().oldest < 660
    take_up_all()
    Delivery.objects.all().delete()
    assert standing().oldest == 0
