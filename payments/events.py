"""Events of payments, and its reminders."""

from uuid import UUID

from shop.messaging.contracts import Event, Money, Reminder


class PaymentProcessed(Event):
    """The customer has been charged."""

    order_id: UUID
    payment_id: UUID
    amount: Money


class PaymentFailed(Event):
    """The customer could not be charged, and has not been."""

    order_id: UUID
    payment_id: UUID
    #: The provider's decline code, as in ``insufficient_funds``.
    code: str
    message: str


class PaymentVoided(Event):
    """Nothing was charged for the order, and nothing will be."""

    order_id: UUID
    payment_id: UUID


class PaymentRefunded(Event):
    """The customer has got the money back."""

    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount: Money


class RefundFailed(Event):
    """The provider refused to give the money back."""

    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount: Money
    code: str


class RefundCheckDue(Reminder):
    """A refund was pending; ask the provider how it went."""

    order_id: UUID
    refund_id: UUID
