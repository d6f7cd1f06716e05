"""What can go wrong in notifications, one class each."""


class NotificationsError(Exception):
    """Something went wrong with a message to a customer."""


class StillWaiting(NotificationsError):
    """The message waits to be sent by itself; resend it once it was sent or refused."""


class ResendFailed(NotificationsError):
    """The message could not be sent again; the attempt is in its history."""


class DeliveryPostponed(NotificationsError):
    """The mail server cannot take the message now; it is tried again later."""
