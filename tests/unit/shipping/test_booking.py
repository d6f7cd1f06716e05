"""Booking: one parcel and one true event per order, despite crashes, timeouts and duplicates."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from orders.events import OrderCreated
from shipping.errors import CarrierTimeout
from shipping.events import OrderShipped, Tracking
from shipping.models import CarrierFault, Shipment, SimulatedLabel
from shipping.simulator.carrier import SimulatedCarrier
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of, runner
from shop.messaging.contracts import cloudevents
from shop.messaging.errors import InsideTransaction, TooEarly
from shop.messaging.models import EventRecord, InboxEntry, ScheduledMessage
from shop.messaging.publishing import publish
from shop.privacy.sealing import open_sealed
from tests.support.inprocess import deliver
from tests.unit.shipping.support import book

pytestmark = pytest.mark.django_db


class DiesAfterBooking(SimulatedCarrier):
    """Carrier whose caller is killed after the booking, before the outcome is stored."""

    def book(self, **call):
        super().book(**call)
        raise SystemExit("killed")


class NeverAnswers(SimulatedCarrier):
    """Carrier that times out without any effect."""

    def book(self, **call):
        raise CarrierTimeout("no answer")


class RecordsTheState(SimulatedCarrier):
    """Carrier that records the state of the shop during a call."""

    saw: tuple[bool, str] | None = None

    def book(self, **call):
        type(self).saw = connection.in_atomic_block, Shipment.objects.get().state
        return super().book(**call)


def test_placed_order_is_remembered_with_its_address(order, happened, said):
    created = happened(order())

    shipment = Shipment.objects.get(order_id=created.order_id)
    assert (shipment.state, shipment.order_number) == ("remembered", "ORD-1042")
    assert (shipment.name, shipment.street, shipment.country) == ("Ada Lovelace", "12 St James's Sq", "GB")
    assert said(created.order_id) == []
    assert not SimulatedLabel.objects.exists()


def test_many_orders_are_remembered_at_once(order, django_assert_max_num_queries):
    with transaction.atomic():
        created = [publish(order()) for _ in range(20)]
    bodies = [json.loads(cloudevents.encode(event)) for event in created]
    with django_assert_max_num_queries(6):
        runner.run(consumer_of("shipping", OrderCreated.type), bodies, [{}] * 20)

    assert Shipment.objects.count() == InboxEntry.objects.count() == 20


def test_updated_inventory_ships_the_order(shipped, said):
    created = shipped()

    shipment = Shipment.objects.get(order_id=created.order_id)
    label = SimulatedLabel.objects.get(key=f"ship:{created.order_id}")
    assert (shipment.state, shipment.tracking_status) == ("shipped", "pre_transit")
    assert (shipment.carrier, shipment.tracking_number) == ("SimPost", label.tracking_number)
    assert shipment.shipped_at
    assert label.city == "London"
    assert said(created.order_id) == ["OrderShipped"]


def test_order_shipped_carries_the_tracking_number(shipped):
    shipped()

    shipment = Shipment.objects.get()
    data = EventRecord.objects.get(type="shipping.OrderShipped.v2").data
    [tracking] = open_sealed([OrderShipped.model_validate(data)], Tracking)
    assert tracking.tracking_number == shipment.tracking_number
    assert data.keys() == {"order_id", "shipment_id", "carrier", "subject_id", "personal"}


def test_refused_address_fails_the_shipment(shipped, said):
    created = shipped("EZ6000000006 Nowhere Lane")

    shipment = Shipment.objects.get()
    assert (shipment.state, shipment.failure_code) == ("failed", "failure")
    assert shipment.failure_message == "The carrier does not deliver to this address."
    assert said(created.order_id) == ["ShipmentFailed"]
    assert not ScheduledMessage.objects.exists()


def test_timeout_after_booking_books_once(shipped, said):
    created = shipped("3 EZ_TIMEOUT Road")

    assert Shipment.objects.get().state == "shipped"
    assert said(created.order_id) == ["OrderShipped"]
    assert SimulatedLabel.objects.count() == 1


def test_timeout_after_booking_is_cleared_up_without_a_retry(order, happened):
    created = happened(order("3 EZ_TIMEOUT Road"))
    assert book(created.order_id).state == "shipped"


def test_booking_without_any_answer_is_tried_again_under_the_same_key(shipped, said, retry, settings):
    settings.SHOP_CARRIER = f"{__name__}.NeverAnswers"
    created = shipped()
    assert Shipment.objects.get().state == "booking"
    assert said(created.order_id) == []

    del settings.SHOP_CARRIER
    assert retry() == 1
    assert said(created.order_id) == ["OrderShipped"]


def test_outage_of_the_carrier_delays_the_booking(shipped, said, retry):
    outage = CarrierFault.objects.create(kind="outage")
    created = shipped()
    assert said(created.order_id) == []
    assert ScheduledMessage.objects.get(kind="retry").last_error.startswith("CarrierUnavailable")

    outage.delete()
    retry()
    assert said(created.order_id) == ["OrderShipped"]


def test_crash_between_booking_and_its_record_books_once(order, happened, said, settings):
    created = happened(order())
    settings.SHOP_CARRIER = f"{__name__}.DiesAfterBooking"
    with pytest.raises(SystemExit):
        book(created.order_id)
    assert Shipment.objects.get().state == "booking"

    del settings.SHOP_CARRIER
    book(created.order_id)
    assert said(created.order_id) == ["OrderShipped"]
    assert SimulatedLabel.objects.count() == 1


def test_stock_before_the_order_waits_for_it(order, happened, said, in_stock, retry):
    placed = order()
    happened(in_stock(placed.order_id))
    assert ScheduledMessage.objects.get().kind == "parked"

    happened(placed)
    retry()
    assert said(placed.order_id) == ["OrderShipped"]


def test_duplicates_ship_once(order, happened, said, in_stock):
    created = happened(order())
    updated = happened(in_stock(created.order_id))
    for event in (created, updated, updated):
        deliver(event, app="shipping")
    book(created.order_id)

    assert said(created.order_id) == ["OrderShipped"]
    assert SimulatedLabel.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_the_same_order_book_once(order, happened, said):
    created = happened(order())
    CarrierFault.objects.create(kind="slow", operation="book", seconds=0.2)  # both are inside at once

    def work(_):
        try:
            return book(created.order_id).state
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(work, range(2))) == ["shipped", "shipped"]
    assert said(created.order_id) == ["OrderShipped"]
    assert SimulatedLabel.objects.count() == 1


def test_carrier_refuses_to_be_called_inside_a_transaction(order, happened):
    created = happened(order())
    with pytest.raises(InsideTransaction), transaction.atomic():
        book(created.order_id)
    assert not SimulatedLabel.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_carrier_is_called(shipped, settings):
    settings.SHOP_CARRIER = f"{__name__}.RecordsTheState"
    shipped()

    assert RecordsTheState.saw == (False, "booking")  # the intent was committed before


def test_unheard_of_order_cannot_be_booked():
    with pytest.raises(TooEarly):
        book(uuid7())
