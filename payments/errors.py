"""Errors of payments."""


class PaymentsError(Exception):
    """An error of payments."""


class IllegalTransition(PaymentsError):
    """The state of the payment or refund does not allow this."""


class NotRetryable(PaymentsError):
    """Only a refund or a capture that failed can be retried."""


class NotGivenBack(PaymentsError):
    """Only a failed refund can be recorded as given back otherwise, and with a reason."""


class GatewayError(PaymentsError):
    """The payment gateway did not do what it was asked to."""


class GatewayTimeout(GatewayError):
    """The gateway did not answer in time: whether it acted is unknown, ask it by key."""


class GatewayUnavailable(GatewayError):
    """The gateway is not able to answer and has not acted: try again later."""


class KeyReused(GatewayError):
    """The idempotency key was used for a different call before."""


class UnknownCharge(GatewayError):
    """The gateway knows no such charge."""


class NotTakenOver(PaymentsError):
    """The payment of this order does not wait for this charge: refund it."""


class PaymentKnown(PaymentsError):
    """The shop has a payment of this order: refund or cancel it on the order's page."""
