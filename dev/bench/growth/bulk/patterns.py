"""Orders to be copied: placed by the service and processed to their end in this process."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from celery import current_app
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from orders.events import Address
from orders.intake import OrderRequest
from orders.queries import statuses
from orders.services import place_order
from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.bus.publisher import Publisher
from shop.messaging.consuming import Consumer, consumer_of, consumers, runner
from shop.messaging.contracts import Reminder
from shop.messaging.outbox import shards
from shop.messaging.relay import due, relay

#: Strings that occur in no other rows, so that copies can replace them.
USERNAME, FIRST_NAME, LAST_NAME = "customer-0", "Paula", "Pattern"
EMAIL = f"{USERNAME}@example.com"
#: Lines, payment method and street of each order.
ORDERS = (
    ({"TEA-MINT": 2, "MUG": 1}, "pm_card_visa", "1 Rabbit Hole"),
    ({"BOOK-ALICE": 1}, "pm_card_visa", "1 Rabbit Hole"),
    ({"PASTA": 3, "OLIVE-OIL": 1, "CHEESE": 1}, "pm_card_mastercard", "1 Rabbit Hole"),
    ({"COFFEE-ETH": 1, "MUG": 2}, "pm_card_visa", "1 Rabbit Hole"),
    ({"BLANKET": 1}, "pm_card_visa", "1 Rabbit Hole"),
    ({"NOTEBOOK": 4, "PENCILS": 1}, "pm_card_mastercard", "1 Rabbit Hole"),
    ({"HONEY": 1, "BREAD": 2, "JAM-CHERRY": 1}, "pm_card_visa", "1 Rabbit Hole"),
    ({"UMBRELLA": 1}, "pm_card_visa", "1 Rabbit Hole"),
    ({"PAN": 1, "KNIFE": 1}, "pm_card_visa_chargeDeclined", "1 Rabbit Hole"),
    ({"TULIPS": 2, "CACTUS": 1}, "pm_card_visa", "EZ6000000006, which the carrier refuses"),
)
ENDS = {"delivered", "cancelled"}
#: Seconds for all of them to come to an end.
TIME_LIMIT = 120
_HURRIED = {
    "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
    "SHOP_TRACKING_INTERVAL": timedelta(milliseconds=1),
    "SHOP_REFUND_CHECK_INTERVAL": timedelta(milliseconds=1),
    "SHOP_CAPTURE": "placed",  # so that some orders are refunded
}


class Unfinished(Exception):
    """The orders to be copied do not come to an end: see the dead letters."""


class InProcessBroker(Publisher):
    """Broker and workers in one: a published message is consumed before it is confirmed."""

    def __init__(self) -> None:
        pass

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Let all subscribed consumers process the batch, one message after the other."""
        for message in batch:
            for consumer in _receivers(message):
                self.consume(consumer, message)
        return Receipt(confirmed={message.entry_id for message in batch})

    def consume(self, consumer: Consumer, message: Outgoing) -> None:
        """Let one consumer process one message."""
        runner.run(consumer, [json.loads(message.body)], [message.headers])


def make() -> list[UUID]:
    """Place the patterns and process them until they are delivered or cancelled. No mail is sent."""
    current_app.loader.import_default_modules()  # registers the consumers
    customer = _customer()
    with without_delays():
        placed = [_place(customer, *order) for order in ORDERS]
        follow(placed)
    return placed


def _place(customer: User, lines: dict[str, int], payment_method: str, street: str) -> UUID:
    name = customer.get_full_name()
    ship_to = Address(name=name, street=street, city="Oxford", postal_code="OX1 1AA", country="GB")
    request = OrderRequest(lines=list(lines.items()), ship_to=ship_to, payment_method=payment_method)
    return place_order(customer=customer, request=request).pk


def follow(orders: list[UUID], broker: Publisher | None = None) -> None:
    """Relay and promote messages until each order is delivered or cancelled."""
    until, broker = time.monotonic() + TIME_LIMIT, broker or InProcessBroker()
    with relay.connect() as session:
        while deliver(session, broker) or not set(statuses(orders).values()) <= ENDS:
            if time.monotonic() > until:
                raise Unfinished(Unfinished.__doc__)


def deliver(session: psycopg.Connection[Any], broker: Publisher) -> int:
    """Relay all entries, promote all due messages, and return the number of both."""
    return relay.relay_batch(session, broker, list(range(shards.SHARDS))) + due.promote_due(session)


def _receivers(message: Outgoing) -> list[Consumer]:
    if message.queue:
        consumer = consumer_of(message.queue.removesuffix(".events"), message.type)
        return [consumer] if consumer else []
    return [c for c in consumers() if message.type in c.reads and not issubclass(c.event, Reminder)]


def _customer() -> User:
    names = {"first_name": FIRST_NAME, "last_name": LAST_NAME, "email": EMAIL}
    customer, is_new = get_user_model().objects.get_or_create(username=USERNAME, defaults=names)
    if is_new:
        customer.set_unusable_password()
        customer.save()
    return customer


@contextmanager
def without_delays() -> Iterator[None]:
    """Switch off tracking intervals, refund delays and mail, and take money before the parcel leaves."""
    before = {name: getattr(settings, name) for name in _HURRIED}
    try:
        for name, value in _HURRIED.items():
            setattr(settings, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
