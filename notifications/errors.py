"""Errors of notifications, one class each."""


class NotificationsError(Exception):
    """An error with a message to a customer."""


class StillWaiting(NotificationsError):
    """The message is queued and will be sent; it can be resent once it was sent or refused."""


class ResendFailed(NotificationsError):
    """The message could not be sent again; its history has the attempt."""


class CustomerWasForgotten(ResendFailed):
    """The customer was forgotten: there is nobody to send it to."""


class MailCameBack(ResendFailed):
    """Mail to this address came back. Give another one, or let mail pass to it (Unconfirmed addresses)."""


class DeliveryPostponed(NotificationsError):
    """The mail server cannot accept the message now; it is sent again later."""
