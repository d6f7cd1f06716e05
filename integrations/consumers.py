"""Consumers of integrations: one for each event that is published, and those of its own reminders.

The subscriptions are made in a loop: whatever the event, it is taken up for the endpoints that want it.
"""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import inventory.events
import orders.events
import payments.events
import shipping.events
from integrations import mails, resending, services
from integrations.catalogue import published
from integrations.events import EndpointStopped, ResendDue
from shop.messaging.consuming import consumes
from shop.messaging.contracts import Event

#: Contexts whose events leave the shop.
SOURCES: tuple[ModuleType, ...] = (inventory.events, orders.events, payments.events, shipping.events)
#: A batch takes two statements, so large batches are cheap.
BATCH = 500


def _taker_of(kind: type[Event]) -> Callable[..., None]:
    def take_up(events: Sequence[Any]) -> None:
        """Take the events up for the endpoints that want them."""
        services.take_up(aggregate_ids={event.aggregate_id for event in events})

    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__)
    take_up.__name__ = f"when{words}_send_webhooks"
    return take_up


for _kind in published(SOURCES):
    consumes(_kind, batch=BATCH, low_priority=True)(_taker_of(_kind))


@consumes(EndpointStopped, calls_outside=True)
def when_endpoint_stopped_tell_contact(event: EndpointStopped) -> None:
    """Tell the contact of an endpoint that nothing more is sent to it, and why."""
    mails.tell_stopped(endpoint_id=event.endpoint_id, stopped_at=event.stopped_at)


@consumes(ResendDue)
def when_resend_due_send_events_again(event: ResendDue) -> None:
    """Take up the next part of a range of events."""
    resending.resend_part(due=event)
