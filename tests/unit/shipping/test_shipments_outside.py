"""Shipments as people and other parts of the shop see them: queries, REST API, admin."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from rest_framework.test import APIClient

from shipping import queries, repository
from shipping.carrier import Destination, Label, LabelStatus, carrier
from shipping.errors import IllegalTransition
from shipping.models import CarrierFault, Shipment, SimulatedLabel, TrackingEvent
from shop.ids import uuid7
from tests.support.rights import staff_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivered(shipped, remind):
    created = shipped()
    while remind():
        pass
    return created


# --- Queries ---------------------------------------------------------------------------------


def test_unknown_order_has_no_shipment():
    assert queries.shipment_of(uuid7()) is None


def test_customer_sees_where_the_parcel_was(delivered, django_assert_num_queries):
    with django_assert_num_queries(2):
        shipment = queries.shipment_of(delivered.order_id)

    assert shipment
    assert (shipment.state, shipment.carrier, shipment.has_left) == ("delivered", "SimPost", True)
    assert shipment.destination.city == "London"
    assert [event.status for event in shipment.tracking] == [
        "pre_transit",
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]
    assert shipment.tracking[-1].time == shipment.delivered_at


def test_books_of_shop_and_carrier_agree(delivered, shipped, order, happened, cancelled):
    refused = shipped("EZ6000000006")
    waiting = happened(order())
    stopped = happened(order())
    happened(cancelled(stopped.order_id))

    facts = {fact.order_id: fact for fact in queries.parcels()}
    assert all(fact.agrees for fact in facts.values())
    assert {fact.order_id: (fact.state, fact.has_left, fact.label) for fact in facts.values()} == {
        delivered.order_id: ("delivered", True, "booked"),
        refused.order_id: ("failed", False, "refused"),
        waiting.order_id: ("remembered", False, ""),
        stopped.order_id: ("stopped", False, ""),
    }


def test_audit_shows_a_parcel_that_only_the_carrier_knows(delivered):
    unknown = uuid7()
    carrier().book(key=f"ship:{unknown}", to=Destination("Eve", "1 Road", "London", "E1", "GB"))
    SimulatedLabel.objects.filter(key=f"ship:{delivered.order_id}").update(status="voided")

    facts = {fact.order_id: fact for fact in queries.parcels()}
    assert not facts[unknown].agrees
    assert not facts[delivered.order_id].agrees


@pytest.mark.parametrize("state", ["delivered", "returned", "lost", "failed", "stopped"])
def test_ended_shipment_stays_as_it_is(state):
    with pytest.raises(IllegalTransition, match=f"a {state} shipment cannot become stopped"):
        Shipment(state=state).stop()


@pytest.mark.parametrize("state", sorted(set(Shipment.State) - {"remembered"}))
def test_booking_begins_only_with_what_nothing_was_asked_of(state):
    known = Shipment.objects.create(order_id=uuid7(), state=state)
    fresh = Shipment.objects.create(order_id=uuid7())
    assert repository.start_booking([known.order_id, fresh.order_id]) == [fresh]
    assert set(Shipment.objects.values_list("pk", "state")) == {(known.pk, state), (fresh.pk, "booking")}


def test_answer_is_kept_only_of_what_is_being_booked():
    waiting, stopping, taken = (
        Shipment.objects.create(order_id=uuid7(), state="booking", stop_reason=reason)
        for reason in ("", "customer", "")
    )
    Shipment.objects.filter(pk=taken.pk).update(state="failed")
    for shipment in (waiting, stopping, taken):
        shipment.ship(Label(LabelStatus.BOOKED, "SimPost", "SP1"))
    assert repository.store_outcomes([taken, stopping, waiting]) == [waiting]
    assert list(Shipment.objects.order_by("pk").values_list("state", flat=True)) == [
        "shipped",
        "booking",
        "failed",
    ]


# --- REST ------------------------------------------------------------------------------------


@pytest.fixture
def staff() -> APIClient:
    client = APIClient()
    client.force_authenticate(staff_with("shipping.view_shipment"))
    return client


def test_staff_lists_shipments_newest_first(staff, shipped, django_assert_num_queries):
    first, second = shipped(), shipped()
    with django_assert_num_queries(4):  # two of them for the permissions, one counts the request
        page = staff.get("/api/v1/shipments").json()

    assert [item["order_id"] for item in page["results"]] == [str(second.order_id), str(first.order_id)]
    assert page["results"][0]["ship_to"]["street"] == "12 St James's Sq"


def test_one_shipment_shows_its_tracking(staff, delivered):
    shipment = staff.get(f"/api/v1/shipments/{Shipment.objects.get().id}").json()

    assert shipment["state"] == "delivered"
    assert [event["status"] for event in shipment["tracking_events"]][0::3] == ["pre_transit", "delivered"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=shipped", 1),
        ("state=failed", 1),
        ("tracking_status=pre_transit", 1),
        ("order_number=ORD-1042", 2),
        ("created_before=2020-01-01T00:00:00Z", 0),
    ],
)
def test_filters(staff, shipped, query, found):
    shipped()
    shipped("EZ6000000006")
    assert len(staff.get(f"/api/v1/shipments?{query}").json()["results"]) == found


def test_only_staff_gets_in_and_only_to_read(staff, shipped):
    shipped()
    url = f"/api/v1/shipments/{Shipment.objects.get().id}"
    customer = APIClient()
    customer.force_authenticate(get_user_model().objects.create_user("ada"))
    assert [customer.get(url).status_code, APIClient().get(url).status_code] == [403, 401]
    assert [staff.delete(url).status_code, staff.patch(url, {}).status_code] == [405, 405]
    assert staff.get("/api/v1/shipments/not-a-uuid").status_code == 404


# --- Admin -----------------------------------------------------------------------------------


def url(model, page, *args):
    return reverse(f"admin:shipping_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", [Shipment, TrackingEvent, SimulatedLabel])
@pytest.mark.parametrize("query", ["", "?q=ORD-1042", "?q=a+b"])
def test_admin_lists_show_and_search(admin_client, delivered, model, query):
    assert admin_client.get(url(model, "changelist") + query).status_code == 200


@pytest.mark.parametrize("model", [Shipment, TrackingEvent, SimulatedLabel])
def test_admin_only_reads(admin_client, delivered, model):
    row = model.objects.first()
    assert admin_client.get(url(model, "change", row.pk)).status_code == 200
    assert admin_client.post(url(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_operator_voids_only_what_has_not_left(admin_client, shipped, order, happened, said):
    gone, waiting = shipped(), happened(order())
    chosen = {"action": "void", "_selected_action": [str(s.pk) for s in Shipment.objects.all()]}
    page = admin_client.post(url(Shipment, "changelist"), chosen, follow=True).content.decode()

    assert "only one that has not left can be voided" in page
    assert said(gone.order_id) == ["OrderShipped"]
    assert said(waiting.order_id) == ["FulfilmentStopped"]


def test_operator_breaks_the_simulated_carrier(admin_client):
    admin_client.post(url(CarrierFault, "add"), {"kind": "outage", "operation": "", "seconds": "0"})
    assert CarrierFault.objects.get().kind == "outage"
