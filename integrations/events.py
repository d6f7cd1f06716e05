"""Reminders of integrations. It publishes no event of its own."""

from datetime import datetime
from uuid import UUID

from shop.messaging.contracts import Reminder


class EndpointStopped(Reminder, aggregate="endpoint_id"):
    """Nothing more is sent to an endpoint: its contact is to be told."""

    endpoint_id: UUID
    #: Moment at which it was stopped: of two stops each has a mail of its own.
    stopped_at: datetime


class ResendDue(Reminder, aggregate="request_id"):
    """The next part of a range of events is to be sent again to an endpoint."""

    request_id: UUID
    endpoint_id: UUID
    #: Id of the last event that is done, and the one before which the range ends. Ids are by time.
    after: UUID
    before: UUID
