"""Tracking: a parcel is followed to its delivery, return or loss."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shipping.models import CarrierFault, Shipment, TrackingEvent
from shipping.simulator.carrier import SimulatedCarrier
from shop.messaging.models import EventRecord, ScheduledMessage
from tests.unit.shipping.support import track

pytestmark = pytest.mark.django_db


def statuses():
    return list(TrackingEvent.objects.values_list("status", flat=True))


def test_parcel_moves_one_step_at_a_time_until_it_is_delivered(shipped, said, remind):
    created = shipped()

    seen = []
    while remind():
        seen.append(Shipment.objects.get().tracking_status)
    assert seen == ["in_transit", "out_for_delivery", "delivered"]
    assert statuses() == ["pre_transit", "in_transit", "out_for_delivery", "delivered"]
    assert said(created.order_id) == ["OrderShipped", "OrderDelivered"]
    assert Shipment.objects.get().state == "delivered"


def test_delivery_has_the_carriers_time(shipped, remind):
    shipped()
    while remind():
        pass

    delivered = TrackingEvent.objects.get(status="delivered").time
    assert Shipment.objects.get().delivered_at == delivered
    data = EventRecord.objects.get(type="shipping.OrderDelivered.v1").data
    assert data["delivered_at"] == delivered.isoformat().replace("+00:00", "Z")


def test_carrier_is_asked_once_an_interval(shipped, settings, remind):
    settings.SHOP_TRACKING_INTERVAL = timedelta(hours=6)
    shipped()
    for _ in range(2):
        wait = ScheduledMessage.objects.get().due_at - timezone.now()
        assert timedelta(hours=5) < wait <= timedelta(hours=6)
        remind()


@pytest.mark.parametrize(
    ("street", "status", "state"),
    [("EZ5000000005 Mews", "return_to_sender", "returned"), ("ez_lost Lane 9", "failure", "lost")],
)
def test_parcel_that_cannot_be_delivered(shipped, said, remind, street, status, state):
    created = shipped(street)
    while remind():
        pass

    assert said(created.order_id) == ["OrderShipped", "DeliveryFailed"]
    assert EventRecord.objects.get(type="shipping.DeliveryFailed.v1").data["status"] == status
    assert Shipment.objects.get().state == state
    assert statuses()[-1] == status


def test_outage_only_delays_tracking(shipped, said, remind):
    created = shipped()
    outage = CarrierFault.objects.create(kind="outage")
    assert [remind() for _ in range(15)] == [1] * 15  # more often than any event is retried
    assert Shipment.objects.get().tracking_status == "pre_transit"

    outage.delete()
    while remind():
        pass
    assert said(created.order_id)[-1] == "OrderDelivered"


def test_step_that_was_not_heard_of_is_made_up_for(shipped, remind):
    """The carrier moved the parcel, but its answer was lost: the next one has both steps."""
    shipped()
    CarrierFault.objects.create(kind="timeout", operation="track", calls_left=1)
    remind()
    assert statuses() == []
    remind()
    assert statuses() == ["pre_transit", "in_transit", "out_for_delivery"]


def test_tracking_of_a_delivered_parcel_does_nothing(shipped, said, remind):
    created = shipped()
    while remind():
        pass
    track(Shipment.objects.get().order_id)

    assert said(created.order_id) == ["OrderShipped", "OrderDelivered"]
    assert not ScheduledMessage.objects.exists()


def test_arrived_parcel_is_not_asked_after(shipped, remind, settings):
    shipped()
    while remind():
        pass
    settings.SHOP_CARRIER = f"{__name__}.MustNotBeCalled"
    assert track(Shipment.objects.get().order_id).state == "delivered"


def test_two_who_learn_of_the_delivery_tell_it_once(shipped, said, remind, settings):
    created = shipped()
    remind()
    remind()
    settings.SHOP_CARRIER = f"{__name__}.CalledByAnotherWorkerFirst"
    track(Shipment.objects.get().order_id)

    assert said(created.order_id) == ["OrderShipped", "OrderDelivered"]


class MustNotBeCalled(SimulatedCarrier):
    def track(self, **call):
        raise AssertionError("the parcel has arrived")


class CalledByAnotherWorkerFirst(SimulatedCarrier):
    """Carrier that was called by another worker first, which stored the delivery."""

    asked = False

    def track(self, **call):
        scans = super().track(**call)
        if not type(self).asked:
            type(self).asked = True
            track(Shipment.objects.get().order_id)
        return scans


def test_asking_twice_records_each_status_once(shipped):
    shipped()
    shipment = Shipment.objects.get()
    for _ in range(2):
        track(shipment.order_id)

    assert statuses() == ["pre_transit", "in_transit", "out_for_delivery"]
