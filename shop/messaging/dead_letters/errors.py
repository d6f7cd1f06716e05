"""Errors of actions on dead letters."""

from shop.messaging.errors import MessagingError


class NotReplayable(MessagingError):
    """The event cannot be delivered to its consumer again as it is."""


class NotOpen(MessagingError):
    """The dead letter has been replayed, replaced or discarded already."""


class ReasonMissing(MessagingError):
    """State a reason: it is kept with the dead letter."""


class InvalidCopy(MessagingError):
    """The edited text is not an event that the consumer accepts."""
