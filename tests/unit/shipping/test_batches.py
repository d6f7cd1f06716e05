"""Batches of bookings and of tracking: few statements, and an outcome of its own for each parcel."""

import json
from functools import partial

import pytest
from django.db import connection, transaction

from inventory.events import InventoryUpdated, StockLine
from shipping import services
from shipping.carrier import CarrierTimeout
from shipping.models import CarrierFault, Shipment, SimulatedLabel
from shipping.simulator.carrier import SimulatedCarrier
from shop.messaging.contracts import cloudevents
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish
from tests.support.inprocess import deliver_batch

#: Query of the inbox, intents, the carrier's own statement; then a transaction of inbox rows, outcomes,
#: reminders, log and outbox.
STATEMENTS_OF_A_BOOKING = 9
#: Queries of the inbox and the shipments; the carrier's own; then inbox rows, scans, shipments, reminders.
STATEMENTS_OF_TRACKING = 14


class TimesOutAfterABatch(SimulatedCarrier):
    """Carrier that makes a batch of labels and then times out."""

    def book_many(self, requests):
        super().book_many(requests)
        raise CarrierTimeout("no answer")


@pytest.fixture
def in_stock(order, happened):
    """Return a function that publishes InventoryUpdated for an order to each of these streets."""

    def make(*streets):
        created = [happened(order(street)) for street in streets]
        lines = (StockLine(sku="TEAPOT", quantity=1),)
        with transaction.atomic():
            return [publish(InventoryUpdated(order_id=event.order_id, lines=lines)) for event in created]

    return make


def reminders():
    bodies = ScheduledMessage.objects.order_by("id").values_list("body", flat=True)
    return [cloudevents.decode(json.loads(body)) for body in bodies]


@pytest.mark.django_db
def test_an_order_that_is_remembered_while_its_booking_begins_is_booked(order, happened, said):
    created = order("12 St James's Sq")
    remembering = iter([partial(happened, created)])

    def remember_afterwards(execute, sql, *args):
        """Commit the order, as another process may, between two statements of the service."""
        done = execute(sql, *args)
        if "UPDATE shipping_shipment" in sql:
            for remember in remembering:
                remember()
        return done

    with connection.execute_wrapper(remember_afterwards):
        services.book_shipments(order_ids=[created.order_id])
    assert said(created.order_id) == ["OrderShipped"]


@pytest.mark.django_db
def test_each_parcel_of_a_batch_ends_as_it_has_to(in_stock, said):
    events = in_stock("12 St James's Sq", "EZ6000000006 Mews", "EZ_TIMEOUT Lane 9")
    deliver_batch(events, app="shipping")

    assert [said(event.order_id) for event in events] == [
        ["OrderShipped"],
        ["ShipmentFailed"],
        ["OrderShipped"],
    ]
    told = EventRecord.objects.filter(type__startswith="shipping.").order_by("position")
    assert [record.causation_id for record in told] == [event.meta.id for event in events]


@pytest.mark.django_db
def test_a_booking_that_fails_does_not_keep_the_others_from_leaving(in_stock, said):
    events = in_stock("1 Fleet St", "2 Fleet St", "3 Fleet St")
    CarrierFault.objects.create(kind="outage", operation="book", calls_left=1)
    deliver_batch(events, app="shipping")

    assert [said(event.order_id) for event in events] == [["OrderShipped"]] * 3
    told = EventRecord.objects.filter(type="shipping.OrderShipped.v2").order_by("position")
    assert [record.aggregate_id for record in told] == [events[n].order_id for n in (1, 2, 0)]


@pytest.mark.django_db
def test_a_batch_is_booked_once_when_the_call_for_all_gets_no_answer(in_stock, said, settings):
    settings.SHOP_CARRIER = f"{__name__}.TimesOutAfterABatch"
    events = in_stock("1 Fleet St", "2 Fleet St")
    services.book_shipments(order_ids=[event.order_id for event in events])

    assert [said(event.order_id) for event in events] == [["OrderShipped"]] * 2
    assert SimulatedLabel.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [2, 30])
def test_a_batch_is_booked_in_the_same_few_statements(in_stock, django_assert_num_queries, count):
    events = in_stock(*["12 St James's Sq"] * count)
    with django_assert_num_queries(STATEMENTS_OF_A_BOOKING):
        deliver_batch(events, app="shipping")
    assert Shipment.objects.filter(state="shipped").count() == count


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [2, 30])
def test_parcels_are_tracked_in_the_same_few_statements(in_stock, django_assert_num_queries, count):
    deliver_batch(in_stock(*["12 St James's Sq"] * count), app="shipping")
    due = reminders()
    with django_assert_num_queries(STATEMENTS_OF_TRACKING):
        deliver_batch(due, app="shipping")
    assert Shipment.objects.filter(tracking_status="in_transit").count() == count
