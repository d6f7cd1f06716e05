"""The four steps: a task and a transaction each, sending the next task on commit."""

import os

from celery import Celery
from django.db import transaction
from django.db.models import F

from dev.bench.competitors.idiomatic.models import Notification, Order, Payment, Shipment, Stock

#: Differs from all queues of the shop, which uses the same node.
QUEUE = "idiomatic"

app = Celery("idiomatic", broker=os.environ["BENCH_AMQP_URL"])
app.conf.task_acks_late = True
app.conf.task_ignore_result = True
app.conf.task_default_queue = QUEUE


@app.task
@transaction.atomic
def charge(order_id: str) -> None:
    """Charge the customer."""
    order = Order.objects.get(pk=order_id)
    Payment.objects.get_or_create(order_id=order.pk, defaults={"amount": order.amount})
    transaction.on_commit(lambda: deduct.delay(order_id))


@app.task
@transaction.atomic
def deduct(order_id: str) -> None:
    """Deduct the stock."""
    order = Order.objects.get(pk=order_id)
    Stock.objects.filter(sku=order.sku).update(quantity=F("quantity") - 1)
    transaction.on_commit(lambda: ship.delay(order_id))


@app.task
@transaction.atomic
def ship(order_id: str) -> None:
    """Ship the order."""
    Shipment.objects.get_or_create(order_id=order_id, defaults={"tracking_number": "EZ1000000001"})
    transaction.on_commit(lambda: tell.delay(order_id))


@app.task
@transaction.atomic
def tell(order_id: str) -> None:
    """Notify the customer."""
    Notification.objects.get_or_create(order_id=order_id, defaults={"kind": "shipped"})
