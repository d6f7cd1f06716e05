"""Why something cannot be done with a dead letter."""

from shop.messaging.errors import MessagingError


class NotReplayable(MessagingError):
    """The event cannot be delivered to its consumer again as it is."""


class NotOpen(MessagingError):
    """The dead letter has been replayed, replaced or discarded already."""


class ReasonMissing(MessagingError):
    """Say why: the reason is kept with the dead letter."""


class InvalidCopy(MessagingError):
    """What was written is no event that the consumer could take."""
