"""Consumers of integrations: those of its own reminders. Events of others are taken up from the log."""

from integrations import mails, resending
from integrations.events import EndpointStopped, ResendDue
from shop.messaging.consuming import consumes


@consumes(EndpointStopped, calls_outside=True)
def when_endpoint_stopped_tell_contact(event: EndpointStopped) -> None:
    """Tell the contact of an endpoint that nothing more is sent to it, and why."""
    mails.tell_stopped(endpoint_id=event.endpoint_id, stopped_at=event.stopped_at)


@consumes(ResendDue)
def when_resend_due_send_events_again(event: ResendDue) -> None:
    """Take up the next part of a range of events."""
    resending.resend_part(due=event)
