"""Orders that are sent again, because their parcel did not arrive."""

from uuid import UUID

from django.utils.translation import gettext

from orders import history, intake, repository
from orders.changes import store
from orders.errors import NotResendable, ReasonMissing
from orders.events import Address, OrderResendRequested, Recipient
from orders.models import Order
from orders.states import Status
from shop.ids import uuid7
from shop.messaging.publishing import publish, unit_of_work
from shop.privacy.order_keys import keys_of_orders
from shop.privacy.sealing import sealed
from shop.visible import is_visible

#: Characters of the reason.
MAX_REASON = 300


@unit_of_work()
def resend_order(*, order_id: UUID, reason: str, new_goods: bool, ship_to: Address | None = None) -> Order:
    """Have an order sent again, to the same address or another one, which the event alone keeps.

    With ``new_goods`` they are taken from the stock; else the parcel came back, and leaves again. It may turn
    out later that there are none, or that the carrier refuses: then the order needs attention again.

    Raises:
        NotResendable: its parcel is not lost, back or overdue, or its customer was forgotten.
        ReasonMissing: the reason is empty.
        InvalidOrder: the address is wrong, with every problem found.
    """
    order = repository.lock([order_id])[0]
    check_resendable(order)
    if not is_visible(reason):
        raise ReasonMissing(number=order.number)
    if ship_to:
        intake.check_address(ship_to)
    order.take(history.resent)
    store([order], came_from={order.pk: Status.NEEDS_ATTENTION})
    recipient = Recipient(ship_to=ship_to or order.ship_to)
    key = keys_of_orders([order_id]).get(order_id)
    publish(
        OrderResendRequested(
            order_id=order.pk,
            number=order.number,
            shipment_id=uuid7(),
            new_goods=new_goods,
            reason=reason.strip()[:MAX_REASON],
            **sealed(OrderResendRequested, key, personal=recipient),
        )
    )
    return order


def check_resendable(order: Order) -> None:
    """Raise NotResendable if the order cannot be sent again."""
    if order.is_erased:
        raise NotResendable(number=order.number, why=gettext("its customer was forgotten"))
    if not order.is_resendable:
        why = gettext("its parcel is not known to be lost, back or overdue")
        raise NotResendable(number=order.number, why=why)
