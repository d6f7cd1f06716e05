"""Labels that are bought at EasyPost: what is asked for, and at which price."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from shipping.carrier import BookingRequest, CarrierUnavailable, Destination, carrier, carrier_labels
from shipping.models import EasyPostBooking

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("easypost_api")]

HOME = Destination("Ada Lovelace", "12 St James's Sq", "London", "SW1Y", "GB", second_line="Flat 2")
CREATE, BUY = "POST /v2/shipments", r"POST /v2/shipments/[\w:]+/buy"


def book(key="ship:1", to=HOME):
    return carrier().book(key=key, to=to)


def test_a_parcel_has_our_key_sender_weight_and_size(easypost_api):
    book()
    (asked,) = easypost_api.calls(CREATE)
    assert asked.params["shipment"] == {
        "reference": "ship:1",
        "to_address": {
            "name": "Ada Lovelace",
            "street1": "12 St James's Sq",
            "street2": "Flat 2",
            "city": "London",
            "zip": "SW1Y",
            "country": "GB",
        },
        "from_address": {
            "name": "Shop Ltd",
            "street1": "1 Wharf Road",
            "city": "Oxford",
            "zip": "OX1 1AA",
            "country": "GB",
            "phone": "+44 1865 000000",
        },
        "parcel": {"weight": 31.7, "length": 11.81, "width": 7.87, "height": 5.91},
        "options": {"label_format": "PDF"},
    }


def test_the_lowest_rate_is_bought(easypost_api):
    book()
    assert [shipment["selected_rate"]["service"] for shipment in easypost_api.bought()] == ["GroundAdvantage"]


def test_the_lowest_rate_of_the_services_that_are_allowed_is_bought(easypost_api, settings):
    settings.SHOP_EASYPOST_CARRIERS, settings.SHOP_EASYPOST_SERVICES = ["usps"], ["Express", "Priority"]
    book()
    assert [shipment["selected_rate"]["service"] for shipment in easypost_api.bought()] == ["Priority"]


def test_a_parcel_that_no_carrier_takes_waits_for_a_person_who_is_told_where_to_look(easypost_api):
    nowhere = Destination("Ada", "Vostok", "Vostok", "1", "AQ")
    with pytest.raises(CarrierUnavailable, match=r"no carrier offers a rate for shp_\w+: .*SHOP_PARCEL"):
        book(to=nowhere)
    assert carrier().find_booking(key="ship:1") is None
    assert easypost_api.bought() == []


def test_rates_are_asked_for_anew_when_a_parcel_is_booked_later(easypost_api):
    with easypost_api.failing("503", BUY), pytest.raises(Exception, match="503"):
        book()
    for shipment in easypost_api.account.shipments.values():
        shipment["rates"] = []  # they have expired
    assert book().status == "booked"
    assert len(easypost_api.account.shipments) == 1


def test_several_parcels_are_booked_over_several_connections_at_once(easypost_api):
    asked = [BookingRequest(f"ship:{number}", HOME) for number in range(8)]
    with easypost_api.failing("429", BUY, calls=1):
        labels = carrier().book_many(asked)
    assert len(labels) == 7
    assert len(easypost_api.bought()) == 7
    (left,) = {request.key for request in asked} - labels.keys()
    assert book(left).status == "booked"
    assert len(easypost_api.account.shipments) == 8


def test_a_label_whose_record_was_lost_with_the_database_is_not_bought_again(easypost_api):
    made = book()
    EasyPostBooking.objects.all().delete()
    assert carrier().find_booking(key="ship:1") == made

    EasyPostBooking.objects.all().delete()
    assert book() == made
    assert len(easypost_api.bought()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_label_that_was_bought_while_the_key_was_voided_is_given_back(easypost_api):
    def void_first(call):
        if call.endswith("/buy"):
            easypost_api.before_acting = lambda call: None
            carrier().void(key="ship:1")
            connection.close()

    easypost_api.before_acting = void_first
    assert book().status == "voided"
    assert easypost_api.bought() == []


def test_the_books_go_back_to_the_first_booking(easypost_api, monkeypatch):
    monkeypatch.setattr("shipping.easypost.books.PAGE", 2)
    for number in range(5):
        book(f"ship:{number}")
    carrier().void(key="ship:4")
    EasyPostBooking.objects.filter(key="ship:0").update(created_at=timezone.now() - timedelta(days=100))
    easypost_api.account.made_ago("ship:0", timedelta(days=100))

    lines = {line.key: line.status.value for line in carrier_labels()}
    assert lines == dict.fromkeys([f"ship:{n}" for n in range(4)], "booked") | {"ship:4": "voided"}


def test_labels_of_others_in_the_same_account_are_left_out(easypost_api):
    book()
    for shipment in easypost_api.bought():
        shipment["reference"] = None
    assert list(carrier_labels()) == []


def test_a_forgotten_recipient_has_no_tracker_and_no_words_in_our_records(easypost_api):
    number = book().tracking_number
    refused = Destination("Ada", "EZ6000000006", "London", "SW1Y", "GB")
    book("ship:2", refused)
    carrier().forget(keys=["ship:1", "ship:2"])

    assert easypost_api.account.trackers == {}
    kept = EasyPostBooking.objects.values_list("request", "tracking_number", "message")
    assert set(kept) == {("", "", "")}
    assert carrier().track(tracking_numbers=[number]) == {}


def test_many_parcels_are_tracked_in_calls_of_a_hundred(easypost_api):
    number = book().tracking_number
    easypost_api.account.scan(number, "in_transit")
    scans = carrier().track(tracking_numbers=[*map(str, range(149)), number])
    assert [scan.status for scan in scans[number]] == ["in_transit"]
    calls = easypost_api.calls("POST /v2/trackers/batch")
    assert [len(call.params["tracking_codes"]) for call in calls] == [100, 50]


def test_a_status_that_no_scan_has_is_the_last_scan_and_an_unheard_of_one_is_unknown(easypost_api):
    number = book().tracking_number
    (tracker,) = easypost_api.account.trackers.values()
    easypost_api.account.scan(number, "lunch_break")
    tracker["status"] = "delivered"
    assert [scan.status for scan in carrier().track(tracking_numbers=[number])[number]] == [
        "unknown",
        "delivered",
    ]
