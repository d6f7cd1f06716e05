"""Events of payments, and its reminders."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from shop.messaging.contracts import Event, Fact, Money, Reminder, Seals, from_clear


class PaymentProcessed(Event):
    """The amount is held for the shop, or taken from the customer."""

    order_id: UUID
    payment_id: UUID
    amount: Money
    #: False: it is held, and PaymentCaptured follows. Events from before are about what was taken.
    captured: bool = True


class PaymentCaptured(Event):
    """The amount that was held is taken from the customer."""

    order_id: UUID
    payment_id: UUID
    amount: Money


class CaptureFailed(Event):
    """The amount that was held for the order cannot be taken, or not for much longer."""

    order_id: UUID
    payment_id: UUID
    amount: Money
    #: The provider's code; ``authorisation_ends`` if the hold ends soon and could not be renewed.
    code: str


class CaptureRecovered(Event):
    """The amount is taken after all, though CaptureFailed said otherwise before."""

    order_id: UUID
    payment_id: UUID


class Refusal(Fact):
    """The provider's words to the customer, which may name the means of payment."""

    message: str

    @classmethod
    def erased(cls) -> "Refusal":
        """Return no words."""
        return cls(message="")


class Confirmation(Fact):
    """The provider's page on which the customer confirms a payment. Whoever knows it can."""

    confirm_url: str

    @classmethod
    def erased(cls) -> "Confirmation":
        """Return no page."""
        return cls(confirm_url="")


class PaymentActionRequired(Event):
    """The customer has to confirm the payment, as with 3-D Secure, before the amount is held."""

    order_id: UUID
    payment_id: UUID
    #: Number of the attempt to pay the order, from 1.
    attempt: int = Field(ge=1)
    #: The data subject whose key seals the facts.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Confirmation)]


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


class PaymentDeclined(Event):
    """The means of payment was declined, and the customer may pay by other means until the deadline."""

    order_id: UUID
    payment_id: UUID
    #: Number of the attempt to pay the order, from 1.
    attempt: int = Field(ge=1)
    #: The provider's decline code, as in ``insufficient_funds``.
    code: str
    #: The data subject whose key seals the facts.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Refusal)]


class PaymentVoided(Event):
    """Nothing was taken for the order, and nothing will be."""

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
    #: The amount was only held, and is not taken any more.
    held: bool = False


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


class PaymentCheckDue(Reminder):
    """The customer had to confirm a payment; ask the provider how it stands."""

    order_id: UUID


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


class CaptureDue(Reminder):
    """An operator wants a capture that failed to be made again."""

    order_id: UUID


class PaymentStopDue(Reminder):
    """The order was stopped while its payment was being authorised; cancel it."""

    order_id: UUID
