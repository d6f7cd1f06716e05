"""Events of orders."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from shop.messaging.contracts import Event, Fact, Money, Reminder

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


class OrderCreated(Event, begins=True):
    """A customer placed an order. Carries what the other contexts need to know of it, once."""

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


class OrderDeadlinePassed(Reminder):
    """A step of the order should have been done by now."""

    order_id: UUID
    #: ``payment``, ``stock``, ``carrier`` or ``cancellation``: what it waited for when this was scheduled.
    step: str
