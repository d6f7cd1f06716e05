"""Queries of integrations: how deliveries stand, for metrics and alerts."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from integrations.models import Delivery, Endpoint


@dataclass(frozen=True, slots=True)
class Standing:
    """Deliveries that wait, and endpoints that get none."""

    waiting: int
    oldest_at: datetime | None
    failing: int
    stopped: int


def standing() -> Standing:
    """Return how webhooks stand."""
    pending = Delivery.objects.filter(state=Delivery.State.PENDING)
    waiting = pending.aggregate(number=Count("pk"), oldest=Min("occurred_at"))
    enabled = Endpoint.objects.filter(state=Endpoint.State.ENABLED)
    return Standing(
        waiting["number"],
        waiting["oldest"],
        enabled.exclude(failing_since=None).count(),
        Endpoint.objects.exclude(state=Endpoint.State.ENABLED).count(),
    )
