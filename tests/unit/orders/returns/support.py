"""Steps of a return, and reads of its effects."""

from inventory.models import Product
from orders.models import Return
from orders.returns.plan import Received
from orders.returns.receiving import receive_return
from orders.returns.services import approve_return, request_return
from payments.events import PaymentProcessed
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.event_log import as_event
from shop.messaging.models import EventRecord
from shop.messaging.publishing import publish, unit_of_work
from tests.support.inprocess import deliver


def euros(amount):
    return Money(amount=amount, currency="EUR")


def ask(order, reason="It has a crack", by_customer=True, **lines):
    return request_return(order_id=order.pk, lines=lines, reason=reason, by_customer=by_customer)


def approved(order, **lines):
    returned = ask(order, **lines)
    return approve_return(order_id=order.pk, return_id=returned.pk)


def receive(returned, amount=None, **lines):
    received = {sku: Received(*counts) for sku, counts in lines.items()}
    return receive_return(
        order_id=returned.order_id,
        return_id=returned.pk,
        received=received,
        amount=None if amount is None else euros(amount),
    )


def event(order, name):
    return EventRecord.objects.get(aggregate_id=order.pk, type=f"orders.{name}.v1").data


def state(returned):
    return Return.objects.get(pk=returned.pk).state


def deliver_created(order):
    """Have inventory take the lines of the order."""
    deliver(logged(order, "OrderCreated", version=2), app="inventory")
    with unit_of_work():
        paid = publish(PaymentProcessed(order_id=order.pk, payment_id=uuid7(), amount=euros("138.90")))
    deliver(paid, app="inventory")


def logged(order, name, version=1):
    return as_event(EventRecord.objects.get(aggregate_id=order.pk, type=f"orders.{name}.v{version}"))


def stock():
    return Product.objects.get(sku="TEAPOT").available
