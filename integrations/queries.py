"""Queries of integrations: how webhooks stand, for metrics and alerts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from integrations.models import Delivery, Endpoint, TakenUp
from shop.messaging.event_log import first_time_after

#: Deliveries that are counted at most.
_COUNTED = 100_000
#: An enabled endpoint whose last attempts have failed.
FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Standing:
    """State of the webhooks."""

    #: Endpoints by state: those of the model, and FAILING.
    endpoints: Mapping[str, int]
    #: Deliveries that are not done, counted up to 100,000.
    pending: int
    #: Seconds since the oldest event that an endpoint waits for which does not fail; 0 if there is none.
    oldest: float


def standing() -> Standing:
    """Return how webhooks stand, by four short statements at most."""
    waiting = Delivery.objects.filter(endpoint=OuterRef("pk"), state=Delivery.State.PENDING)
    oldest = Subquery(waiting.order_by("occurred_at").values("occurred_at")[:1])
    states = dict.fromkeys([*map(str, Endpoint.State.values), FAILING], 0)
    endpoints, late = Counter(states), []
    rows = Endpoint.objects.annotate(oldest=oldest).values_list("state", "failing_since", "oldest")
    for state, failing_since, occurred_at in rows:
        is_well = state == Endpoint.State.ENABLED and failing_since is None
        endpoints[FAILING if state == Endpoint.State.ENABLED and not is_well else state] += 1
        if is_well and occurred_at:
            late.append((timezone.now() - occurred_at).total_seconds())
    pending = Delivery.objects.filter(state=Delivery.State.PENDING)[:_COUNTED].count()
    if endpoints[Endpoint.State.ENABLED] and (since := first_time_after(_taken_up())):
        late.append((timezone.now() - since).total_seconds())
    return Standing(endpoints, pending, max(late, default=0.0))


def _taken_up() -> int:
    return TakenUp.objects.values_list("position", flat=True).get()
