"""Stopping: an order can be stopped until its parcel has left."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import Context

import pytest
from django.db import connections

from shipping import services
from shipping.errors import CarrierTimeout, CarrierUnavailable, NotStoppable
from shipping.models import CarrierFault, Shipment, SimulatedLabel
from shipping.simulator.carrier import SimulatedCarrier
from shop.ids import uuid7
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.support.inprocess import deliver, fire_reminders
from tests.unit.shipping.support import book

pytestmark = pytest.mark.django_db


def stop_meanwhile(key):
    """Stop the shipment, as another worker may while this one waits for the carrier."""
    Context().run(services.stop_shipment, order_id=key.removeprefix("ship:"), reason="customer")


class StoppedBeforeItBooks(SimulatedCarrier):
    """Carrier that is reached by a stop before the booking under way."""

    def book(self, *, key, to):
        stop_meanwhile(key)
        return super().book(key=key, to=to)


class StoppedAfterItBooked(SimulatedCarrier):
    """Carrier that has booked when a stop comes, before its answer arrives."""

    def book(self, *, key, to):
        label = super().book(key=key, to=to)
        stop_meanwhile(key)
        return label


class FrozenAfterItBooked(SimulatedCarrier):
    """Carrier that has booked when the intent to stop is stored."""

    def book(self, *, key, to):
        label = super().book(key=key, to=to)
        services._request_stop(key.removeprefix("ship:"), "customer", services.no_note)
        return label


class FailsAfterBookingAndNeverVoids(SimulatedCarrier):
    """Carrier that books and fails, and then does not answer to voids."""

    def book(self, **call):
        super().book(**call)
        raise RuntimeError("killed")

    def void(self, **call):
        raise CarrierTimeout("no answer")


def test_cancellation_before_booking_stops(order, happened, said, cancelled):
    created = happened(order())
    happened(cancelled(created.order_id))

    assert Shipment.objects.get().state == "stopped"
    assert said(created.order_id) == ["FulfilmentStopped"]
    assert EventRecord.objects.get(type="shipping.FulfilmentStopped.v1").data["reason"] == "customer"
    assert not SimulatedLabel.objects.exists()


def test_stopped_order_is_not_booked_when_its_stock_comes(order, happened, said, cancelled, in_stock):
    created = happened(order())
    happened(cancelled(created.order_id, "payment_overdue"))
    happened(in_stock(created.order_id))

    assert said(created.order_id) == ["FulfilmentStopped"]
    assert not SimulatedLabel.objects.exists()


def test_cancellation_before_the_order_leaves_a_tombstone(order, happened, said, cancelled, in_stock):
    placed = order()
    happened(cancelled(placed.order_id))
    happened(placed)
    happened(in_stock(placed.order_id))

    assert Shipment.objects.get().state == "stopped"
    assert said(placed.order_id) == ["FulfilmentStopped"]
    assert not SimulatedLabel.objects.exists()
    assert not ScheduledMessage.objects.exists()  # nothing of this failed


def test_cancellation_after_the_parcel_left_is_rejected(shipped, happened, said, cancelled):
    created = shipped()
    happened(cancelled(created.order_id))

    assert Shipment.objects.get().state == "shipped"
    assert said(created.order_id) == ["OrderShipped", "CancellationRejected"]


def test_cancellation_of_a_delivered_order_is_rejected(shipped, happened, said, cancelled, remind):
    created = shipped()
    while remind():
        pass
    happened(cancelled(created.order_id, "operator"))

    assert said(created.order_id)[-1] == "CancellationRejected"


def test_cancellation_of_a_refused_parcel_changes_nothing(shipped, happened, said, cancelled):
    created = shipped("EZ6000000006")
    happened(cancelled(created.order_id))

    assert said(created.order_id) == ["ShipmentFailed"]
    assert Shipment.objects.get().state == "failed"


@pytest.mark.parametrize("moment", ["StoppedBeforeItBooks", "StoppedAfterItBooked"])
def test_stop_during_the_booking_voids_the_label(shipped, said, settings, moment):
    settings.SHOP_CARRIER = f"{__name__}.{moment}"
    created = shipped()

    assert Shipment.objects.get().state == "stopped"
    assert said(created.order_id) == ["FulfilmentStopped"]
    assert SimulatedLabel.objects.get().status == "voided"
    assert not ScheduledMessage.objects.exists()


def test_parcel_does_not_leave_once_the_stop_began(order, happened, said, settings):
    """The intent to stop was stored a moment before the outcome of the booking."""
    created = happened(order())
    settings.SHOP_CARRIER = f"{__name__}.FrozenAfterItBooked"
    assert book(created.order_id).state == "booking"
    assert said(created.order_id) == []

    services.stop_shipment(order_id=created.order_id, reason="customer")
    assert said(created.order_id) == ["FulfilmentStopped"]
    assert SimulatedLabel.objects.get().status == "voided"


def test_stop_during_a_refused_booking_stops(shipped, said, settings):
    settings.SHOP_CARRIER = f"{__name__}.StoppedAfterItBooked"
    created = shipped("EZ6000000006")

    assert said(created.order_id) == ["FulfilmentStopped"]


def test_stop_while_the_carrier_is_out_is_made_up_for(shipped, happened, said, cancelled, retry):
    """The intent to stop is stored first, so the parcel stays in either order of the retries."""
    outage = CarrierFault.objects.create(kind="outage")
    created = shipped()
    happened(cancelled(created.order_id))
    assert said(created.order_id) == []

    outage.delete()
    assert retry() == 2
    assert said(created.order_id) == ["FulfilmentStopped"]
    assert SimulatedLabel.objects.get().status == "voided"


def test_timeout_of_the_void_asks_by_key(shipped, said):
    CarrierFault.objects.create(kind="outage", operation="book")
    created = shipped()
    CarrierFault.objects.create(kind="timeout", operation="void")
    services.stop_shipment(order_id=created.order_id, reason="customer")

    assert said(created.order_id) == ["FulfilmentStopped"]


def test_label_that_may_still_be_good_is_not_taken_for_void(order, happened, said, settings):
    """The booking and the void both timed out, and the label is still booked."""
    created = happened(order())
    settings.SHOP_CARRIER = f"{__name__}.FailsAfterBookingAndNeverVoids"
    with pytest.raises(RuntimeError):
        book(created.order_id)
    with pytest.raises(CarrierTimeout):
        services.stop_shipment(order_id=created.order_id, reason="customer")
    assert said(created.order_id) == []

    del settings.SHOP_CARRIER
    services.stop_shipment(order_id=created.order_id, reason="customer")
    assert said(created.order_id) == ["FulfilmentStopped"]
    assert SimulatedLabel.objects.get().status == "voided"


def test_frozen_shipment_is_not_booked(shipped, happened, said, cancelled, retry):
    """The stop is not finished yet; meanwhile no retry books the parcel."""
    CarrierFault.objects.create(kind="outage", operation="book", calls_left=3)
    CarrierFault.objects.create(kind="outage", operation="void")
    created = shipped()
    happened(cancelled(created.order_id))
    retry()

    assert not SimulatedLabel.objects.exists()
    assert said(created.order_id) == []


def test_booking_does_not_begin_after_the_stop_began(order, happened, said):
    """The stop is requested, and not yet answered, when InventoryUpdated comes."""
    created = happened(order())
    services._request_stop(created.order_id, "customer", services.no_note)
    book(created.order_id)

    assert Shipment.objects.get().state == "remembered"
    assert not SimulatedLabel.objects.exists()


def test_first_reason_to_stop_stands(order, happened, said):
    created = happened(order())
    services._request_stop(created.order_id, "customer", services.no_note)
    services.stop_shipment(order_id=created.order_id, reason="operator")

    assert EventRecord.objects.get(type="shipping.FulfilmentStopped.v1").data["reason"] == "customer"


def test_duplicate_cancellation_stops_once(order, happened, said, cancelled):
    created = happened(order())
    event = happened(cancelled(created.order_id))
    deliver(event, app="shipping")
    happened(cancelled(created.order_id, "operator"))

    assert said(created.order_id) == ["FulfilmentStopped"]
    assert Shipment.objects.get().stop_reason == "customer"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("head_start", [0.0, 0.05])
def test_booking_and_stop_at_once_agree(order, happened, said, head_start):
    """Whichever commits first, one outcome is published, and the carrier's books agree."""
    created = happened(order())
    CarrierFault.objects.create(kind="slow", operation="void", seconds=head_start)
    CarrierFault.objects.create(kind="slow", operation="book", seconds=0.03)
    calls = [
        lambda: book(created.order_id),
        lambda: services.stop_shipment(order_id=created.order_id, reason="customer"),
    ]

    def work(call):
        try:
            call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, calls))
    labels = list(SimulatedLabel.objects.values_list("status", flat=True))
    if Shipment.objects.get().state == "stopped":
        assert said(created.order_id) == ["FulfilmentStopped"]
        assert "booked" not in labels
    else:
        assert said(created.order_id) == ["OrderShipped", "CancellationRejected"]
        assert labels == ["booked"]


def test_operator_voids_what_has_not_left(order, happened, said):
    created = happened(order())
    services.void_shipment(shipment_id=Shipment.objects.get().id)

    assert said(created.order_id) == ["FulfilmentStopped"]
    assert Shipment.objects.get().stop_reason == "operator"


@pytest.mark.django_db(transaction=True)
def test_a_void_that_the_carrier_does_not_answer_is_finished_without_the_operator(order, happened, said):
    created = happened(order())
    CarrierFault.objects.create(kind="outage", operation="book")
    with pytest.raises(CarrierUnavailable):
        book(created.order_id)
    CarrierFault.objects.create(kind="outage", operation="void")
    with pytest.raises(CarrierUnavailable):
        services.void_shipment(shipment_id=Shipment.objects.get().id)
    CarrierFault.objects.all().delete()
    book(created.order_id)
    assert Shipment.objects.get().state == "booking"

    fire_reminders()
    assert said(created.order_id) == ["FulfilmentStopped"]
    fire_reminders()
    assert said(created.order_id) == ["FulfilmentStopped"]


def test_operator_cannot_void_what_has_left(shipped, said):
    created = shipped()
    with pytest.raises(NotStoppable, match="this shipment is shipped"):
        services.void_shipment(shipment_id=Shipment.objects.get().id)

    assert said(created.order_id) == ["OrderShipped"]


def test_cancellation_of_an_order_nobody_knows_is_answered(happened, said, cancelled):
    event = happened(cancelled(uuid7(), "operator"))

    assert said(event.order_id) == ["FulfilmentStopped"]
