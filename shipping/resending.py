"""Orders that are sent again: another shipment, with a booking key of its own."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from shipping import carrier_calls, outcomes, repository
from shipping.carrier import Destination, ParcelStatus
from shipping.models import Shipment, shipping_key
from shop.messaging.errors import TooEarly
from shop.messaging.publishing import publish, unit_of_work
from shop.privacy.order_keys import keys_of_orders


@dataclass(frozen=True, slots=True)
class Resend:
    """Request to send an order again."""

    order_id: UUID
    #: Id of the new shipment, which makes the request's repetition harmless.
    shipment_id: UUID
    number: str
    destination: Destination
    #: True if goods are taken from the stock for it; False if the parcel came back.
    new_goods: bool


def send_again(resend: Resend) -> None:
    """Remember another shipment of an order, and book it unless its goods are to be taken first.

    Publishes OrderReshipped or ResendFailed.

    Raises:
        CarrierTimeout, CarrierUnavailable: the outcome is unknown; call again.
    """
    shipment = _remember(resend)
    _book(shipment.pk if not resend.new_goods else None)


def book_replacement(*, shipment_id: UUID) -> None:
    """Book a shipment whose goods were taken from the stock.

    Raises:
        CarrierTimeout, CarrierUnavailable: the outcome is unknown; call again.
        TooEarly: shipping has not heard of it.
    """
    _expect(shipment_id)
    _book(shipment_id)


@unit_of_work()
def fail_replacement(*, shipment_id: UUID) -> None:
    """Give up a shipment for which there are no goods.

    Raises:
        TooEarly: shipping has not heard of it.
    """
    _expect(shipment_id)
    shipment = repository.lock_by_id(shipment_id)
    if shipment.state == Shipment.State.REMEMBERED:
        shipment.give_up_booking(outcomes.OUT_OF_STOCK)
        repository.store([shipment])
        key = keys_of_orders([shipment.order_id]).get(shipment.order_id)
        publish(outcomes.failed_event(shipment, key))


def _expect(shipment_id: UUID) -> None:
    if not Shipment.objects.filter(pk=shipment_id).exists():
        raise TooEarly(f"shipping has not heard of shipment {shipment_id}")


@transaction.atomic
def _remember(resend: Resend) -> Shipment:
    """Commit the new shipment, once. A parcel still on its way counts as lost, unless it is delivered."""
    known = repository.lock_all([resend.order_id])
    for shipment in known:
        if shipment.pk == resend.shipment_id:
            return shipment
        if shipment.state == Shipment.State.SHIPPED:
            shipment.give_up(ParcelStatus(shipment.tracking_status))
            repository.store([shipment])
    new = Shipment(
        id=resend.shipment_id,
        order_id=resend.order_id,
        round=max(shipment.round for shipment in known) + 1,
        new_goods=resend.new_goods,
        order_number=resend.number,
        idempotency_key=f"{shipping_key(resend.order_id)}:{resend.shipment_id}",
        **resend.destination.parts,
    )
    repository.add_new([new])
    return new


def _book(shipment_id: UUID | None) -> None:
    shipment = _started(shipment_id) if shipment_id else None
    label = carrier_calls.book(shipment) if shipment else None
    with unit_of_work():
        if shipment and label:
            outcomes.record_labels([(shipment, label)])


@transaction.atomic
def _started(shipment_id: UUID) -> Shipment | None:
    """Commit the intent to book; None if the booking has an outcome."""
    shipment = repository.lock_by_id(shipment_id)
    if shipment.state == Shipment.State.REMEMBERED:
        shipment.start_booking()
        repository.store([shipment])
    return shipment if shipment.state == Shipment.State.BOOKING else None
