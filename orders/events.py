"""Events of orders."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from shop.messaging.contracts import ERASED, Event, Fact, Money, Reminder, Seals, from_clear

CancellationReason = Literal["customer", "operator", "payment_overdue"]


class OrderedLine(Fact):
    """A line of an order."""

    sku: str
    name: str
    quantity: int = Field(gt=0)
    unit_price: Money


class Address(Fact):
    """A postal address."""

    name: str
    street: str
    city: str
    postal_code: str
    #: ISO 3166-1 alpha-2.
    country: str = Field(pattern=r"^[A-Z]{2}$", examples=["GB"])
    #: Flat, floor or building; empty in events from before.
    second_line: str = ""
    #: State, province or the like.
    region: str = ""
    #: Telephone number for the carrier.
    phone: str = ""


class Customer(Fact):
    """Personal facts of an order: its customer, and where the parcel goes."""

    customer_name: str
    customer_email: str
    ship_to: Address

    @classmethod
    def erased(cls) -> "Customer":
        """Return the facts of a customer who was forgotten."""
        nowhere = Address(name=ERASED, street=ERASED, city=ERASED, postal_code=ERASED, country="ZZ")
        return cls(customer_name=ERASED, customer_email="", ship_to=nowhere)


class PaymentMethod(Fact):
    """The means of payment, for payments alone."""

    #: The provider's token, never card data.
    payment_method: str

    @classmethod
    def erased(cls) -> "PaymentMethod":
        """Return the means of payment of a customer who was forgotten: none, which declines a charge."""
        return cls(payment_method="")


class OrderCreatedV1(Event, begins=True):
    """A customer placed an order. From before personal facts were sealed."""

    order_id: UUID
    #: As the customer knows it: ``ORD-1042``.
    number: str
    customer_id: int
    customer_name: str
    customer_email: str
    lines: tuple[OrderedLine, ...] = Field(min_length=1)
    total: Money
    #: The provider's token of the means of payment, never card data.
    payment_method: str
    ship_to: Address


class OrderCreated(Event, version=2, replaces=OrderCreatedV1):
    """A customer placed an order. Carries what the other contexts need to know of it, once."""

    order_id: UUID
    #: As the customer knows it: ``ORD-1042``.
    number: str
    customer_id: int
    lines: tuple[OrderedLine, ...] = Field(min_length=1)
    total: Money
    #: The data subject whose key seals the facts; None in events from before.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Customer)]
    payment: Annotated[str, Seals(PaymentMethod, purpose="payment")]
    #: After a decline the customer may pay by other means; otherwise a decline ends the order.
    retry_payment: bool = False

    @classmethod
    def upcast(cls, old: OrderCreatedV1) -> Self:
        """Convert an order from before personal facts were sealed."""
        return from_clear(cls, old)


class PaymentAttemptRequested(Event):
    """The customer pays by other means, after a decline or instead of a confirmation."""

    order_id: UUID
    #: Number of the attempt to pay the order; the first is that of its placing.
    attempt: int = Field(ge=2, examples=[2])
    #: The data subject whose key seals the facts.
    subject_id: UUID | None
    payment: Annotated[str, Seals(PaymentMethod, purpose="payment")]


class OrderCancellationRequested(Event):
    """Somebody wants the order stopped; shipping, the point of no return, decides."""

    order_id: UUID
    reason: CancellationReason


class OrderCancelled(Event):
    """The order is off, and everything that had been done for it is undone."""

    order_id: UUID
    number: str
    #: ``customer``, ``operator``, ``payment_overdue``, ``payment_failed``, ``out_of_stock`` or
    #: ``shipment_failed``.
    reason: str


class OrderNeedsAttention(Event):
    """The order cannot go on by itself; an operator has to act."""

    order_id: UUID
    number: str
    reason: str
    #: Status that it is held up in; None in events from before.
    stage: str | None = None
    #: For operators, without personal facts; None in events from before.
    note: str | None = None


class OrderResumed(Event):
    """An order that needed attention goes on waiting: an operator lets it, or its dispute is won."""

    order_id: UUID
    number: str
    #: Reason for which it had needed attention.
    attention: str


class Recipient(Fact):
    """Name and address that an order is sent to again."""

    ship_to: Address

    @classmethod
    def erased(cls) -> "Recipient":
        """Return nobody."""
        return cls(ship_to=Customer.erased().ship_to)


class OrderResendRequested(Event):
    """An operator has the order sent again, because its parcel did not arrive."""

    order_id: UUID
    number: str
    #: Id of the new shipment.
    shipment_id: UUID
    #: True if other goods are taken from the stock; False if the parcel came back.
    new_goods: bool
    #: The operator's reason, without personal facts.
    reason: str
    #: The data subject whose key seals the facts.
    subject_id: UUID | None
    personal: Annotated[str, Seals(Recipient)]


class OrderSettled(Event):
    """An operator ended an order that needed attention, because nothing else would have ended it."""

    order_id: UUID
    number: str
    #: Reason for which it had needed attention.
    attention: str
    #: The operator's reason, without personal facts.
    reason: str
    #: Reason for which it was being cancelled, empty without one; None in events from before.
    cancel_reason: str | None = None


class CaptureRequested(Event):
    """The stock serves the order: its money is to be taken before its parcel leaves, by the shop's policy."""

    order_id: UUID


class RefundedLine(Fact):
    """A quantity of a product that money is given back for."""

    sku: str
    quantity: int = Field(gt=0)


class RefundRequested(Event):
    """Staff wants money of an order given back: an amount, or the price of lines."""

    order_id: UUID
    refund_id: UUID
    amount: Money
    #: Empty if it is for an amount.
    lines: tuple[RefundedLine, ...] = ()
    #: The goods of the lines are back, and go into the stock.
    restock: bool = False


class ReturnedLine(Fact):
    """A quantity of a product that is sent back."""

    sku: str
    name: str
    quantity: int = Field(gt=0)


class ReceivedLine(Fact):
    """Quantities of a product that came back."""

    sku: str
    name: str
    #: They can be sold again.
    restocked: int = Field(ge=0)
    #: They cannot.
    written_off: int = Field(ge=0)

    @property
    def quantity(self) -> int:
        """Both together."""
        return self.restocked + self.written_off


class ReturnRefusal(Fact):
    """The operator's words to the customer, who may not send the goods back."""

    reason: str

    @classmethod
    def erased(cls) -> "ReturnRefusal":
        """Return no words."""
        return cls(reason="")


class ReturnRequested(Event):
    """The customer, or staff, asks to send goods back. The reason stays with orders."""

    order_id: UUID
    return_id: UUID
    lines: tuple[ReturnedLine, ...] = Field(min_length=1)
    by_customer: bool


class ReturnApproved(Event):
    """The customer may send goods back."""

    order_id: UUID
    return_id: UUID
    lines: tuple[ReturnedLine, ...] = Field(min_length=1)
    #: The goods have to be here by then.
    arrive_by: datetime


class ReturnRejected(Event):
    """The customer may not send goods back."""

    order_id: UUID
    return_id: UUID
    #: The data subject whose key seals the facts.
    subject_id: UUID | None
    personal: Annotated[str, Seals(ReturnRefusal)]


class ReturnReceived(Event):
    """Goods of a return are here. There may be several receipts."""

    order_id: UUID
    return_id: UUID
    receipt_id: UUID
    lines: tuple[ReceivedLine, ...] = Field(min_length=1)
    #: Nothing more is awaited.
    is_complete: bool
    #: What is given back for them, and the refund; None if nothing is.
    refund: Money | None = None
    refund_id: UUID | None = None


class ReturnCancelled(Event):
    """The goods of a return, or the rest of them, stay with the customer."""

    order_id: UUID
    return_id: UUID


class ReturnExpired(Event):
    """The goods of a return, or the rest of them, did not come in time."""

    order_id: UUID
    return_id: UUID


class ReturnArrivalDue(Reminder, aggregate="return_id"):
    """The goods of a return should be here by now. An order may have several returns."""

    order_id: UUID
    return_id: UUID


class CustomerForgotten(Event):
    """The customer of an order was forgotten: what is personal about the order is to be erased."""

    order_id: UUID
    #: The data subject, whose key is destroyed.
    subject_id: UUID


class ErasureDue(Reminder, aggregate="subject_id"):
    """A customer was forgotten a while ago, and no process remembers the key any more."""

    subject_id: UUID
    customer_id: int
    #: Orders up to this one are erased.
    after: UUID | None = None


class OrderDeadlinePassed(Reminder):
    """A step of the order should have been done by now."""

    order_id: UUID
    #: ``payment``, ``stock``, ``backorder``, ``carrier`` or ``cancellation``: what it waited for when this
    #: was scheduled.
    step: str
