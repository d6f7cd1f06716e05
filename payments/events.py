"""Events of payments, and its reminders."""

from typing import Annotated, Self
from uuid import UUID

from shop.messaging.contracts import Event, Fact, Money, Reminder, Seals, from_clear


class PaymentProcessed(Event):
    """The customer has been charged."""

    order_id: UUID
    payment_id: UUID
    amount: Money


class Refusal(Fact):
    """The provider's words to the customer, which may name the means of payment."""

    message: str

    @classmethod
    def erased(cls) -> "Refusal":
        """Return no words."""
        return cls(message="")


class PaymentFailedV1(Event):
    """The customer could not be charged, and has not been. From before personal facts were sealed."""

    order_id: UUID
    payment_id: UUID
    #: The provider's decline code, as in ``insufficient_funds``.
    code: str
    message: str


class PaymentFailed(Event, version=2, replaces=PaymentFailedV1):
    """The customer could not be charged, and has not been."""

    order_id: UUID
    payment_id: UUID
    #: The provider's decline code, as in ``insufficient_funds``.
    code: str
    #: The data subject whose key seals the facts; None in events from before.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Refusal)]

    @classmethod
    def upcast(cls, old: PaymentFailedV1) -> Self:
        """Convert a failure from before personal facts were sealed."""
        return from_clear(cls, old)


class PaymentVoided(Event):
    """Nothing was charged for the order, and nothing will be."""

    order_id: UUID
    payment_id: UUID


class PaymentRefunded(Event):
    """The customer has got money back: all that was left, or a part, by request or by the provider."""

    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount: Money
    #: What the shop still has of the payment; None in events from before, after which it had nothing.
    left: Money | None = None
    #: An operator's reason, if it was given back without the provider; without personal facts.
    otherwise: str = ""


class RefundFailed(Event):
    """The provider refused to give the money back."""

    order_id: UUID
    payment_id: UUID
    refund_id: UUID
    amount: Money
    code: str


class RefundCheckDue(Reminder, aggregate="refund_id"):
    """A refund was pending; ask the provider how it went. An order may have several."""

    order_id: UUID
    refund_id: UUID


class ProviderNoticeReceived(Reminder, aggregate="notice_id"):
    """The provider has sent word of something; ask it for the present state."""

    notice_id: UUID


class PaymentDisputed(Event):
    """The customer's bank has taken a payment back, or asks for reasons not to."""

    order_id: UUID
    payment_id: UUID
    amount: Money
    #: The provider's word, as in ``fraudulent``.
    reason: str


class DisputeClosed(Event):
    """A dispute has ended: the shop keeps the money, or has lost it."""

    order_id: UUID
    payment_id: UUID
    won: bool
