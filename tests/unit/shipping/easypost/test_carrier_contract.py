"""Promises of the port to carriers, held by the simulator and by EasyPost."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from shipping.carrier import (
    BookingRequest,
    CarrierTimeout,
    Destination,
    Label,
    LabelLine,
    carrier,
    carrier_labels,
    forget_labels,
)
from shipping.errors import KeyReused, TooLateToVoid
from shop.messaging.errors import InsideTransaction

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("backstage")]

HOME, REFUSED = "12 St James's Sq", "EZ6000000006"


def to(street=HOME) -> Destination:
    return Destination("Ada Lovelace", street, "London", "SW1Y", "GB")


def book(street=HOME, key="ship:1") -> Label:
    return carrier().book(key=key, to=to(street))


def booked():
    return {line.key: line.tracking_number for line in carrier_labels() if line.status == "booked"}


def test_a_booking_is_in_the_books():
    label = book()
    assert label.status == "booked"
    assert label.carrier
    assert label.tracking_number
    assert list(carrier_labels()) == [LabelLine("ship:1", label.status, label.tracking_number)]


def test_a_refusal_has_code_and_words_and_no_label():
    label = book(REFUSED)
    assert label.status == "refused"
    assert label.code
    assert label.message
    assert booked() == {}


@pytest.mark.parametrize("street", [HOME, REFUSED])
def test_a_repeated_key_gets_the_first_answer(street):
    assert book(street) == book(street) == carrier().find_booking(key="ship:1")
    assert len(booked()) <= 1


def test_a_key_cannot_be_used_for_another_address():
    label = book()
    with pytest.raises(KeyReused, match="ship:1 was used for another address before"):
        book("1 Elsewhere")
    assert booked() == {"ship:1": label.tracking_number}


def test_an_unknown_key_has_no_booking():
    assert carrier().find_booking(key="ship:1") is None


def test_of_several_each_is_booked_and_answered_under_its_key():
    asked = [BookingRequest(key, to(street)) for key, street in [("a", HOME), ("b", REFUSED), ("c", HOME)]]
    labels = carrier().book_many(asked)
    assert {key: label.status for key, label in labels.items()} == {
        "a": "booked",
        "b": "refused",
        "c": "booked",
    }
    assert labels == {key: carrier().find_booking(key=key) for key in labels}
    assert booked().keys() == {"a", "c"}


def test_nothing_is_made_of_no_requests():
    assert carrier().book_many([]) == {}


def test_a_voided_key_can_never_be_booked():
    assert [carrier().void(key="ship:1").status for _ in range(2)] == ["voided", "voided"]
    assert book().status == "voided"
    assert carrier().find_booking(key="ship:1").status == "voided"
    assert booked() == {}


def test_a_label_can_be_voided_until_the_parcel_moves(backstage):
    book()
    assert [carrier().void(key="ship:1").status for _ in range(2)] == ["voided", "voided"]
    assert book().status == "voided"
    assert booked() == {}

    moving = book(key="ship:2")
    backstage.scan(moving.tracking_number, "in_transit")
    with pytest.raises(TooLateToVoid):
        carrier().void(key="ship:2")
    assert booked() == {"ship:2": moving.tracking_number}


def test_a_refused_booking_needs_no_void():
    refused = book(REFUSED)
    assert carrier().void(key="ship:1").status == "refused"
    assert book(REFUSED) == refused


@pytest.mark.django_db(transaction=True)
def test_booking_and_void_at_once_leave_no_label():
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(_answer, [book, lambda: carrier().void(key="ship:1")]))
    assert booked() == {}


@pytest.mark.django_db(transaction=True)
def test_two_bookings_at_once_buy_one_label():
    with ThreadPoolExecutor(2) as workers:
        answers = set(workers.map(_answer, [book, book]))
    assert [label.tracking_number for label in answers] == list(booked().values())


def _answer(call):
    """Call until there is an answer, as the shop does."""
    try:
        for _ in range(100):
            try:
                return call()
            except CarrierTimeout:
                continue
    finally:
        connections.close_all()
    return None


def test_a_parcel_is_tracked_from_its_first_scan_to_its_last(backstage):
    number = book().tracking_number
    steps = ["in_transit", "out_for_delivery", "delivered"]
    for status in steps:
        backstage.scan(number, status)

    scans = carrier().track(tracking_numbers=[number])[number]
    assert [scan.status for scan in scans][-3:] == steps
    assert scans[-1].time.tzinfo


def test_of_no_parcels_there_are_no_scans():
    assert carrier().track(tracking_numbers=[]) == {}


def test_a_valid_label_can_be_printed():
    assert carrier().paper(key="ship:1") is None
    book()
    paper = carrier().paper(key="ship:1")
    assert paper.pdf.startswith(b"%PDF") or paper.url.endswith(".pdf")
    carrier().void(key="ship:1")
    assert carrier().paper(key="ship:1") is None


def test_a_notice_about_a_parcel_of_others_leads_to_none():
    assert carrier().key_of(about="shp_of_others") is None


def test_recipients_are_forgotten_and_the_labels_stay():
    label = book()
    forget_labels(["ship:1", "ship:unknown"])
    forget_labels(["ship:1"])
    assert booked() == {"ship:1": label.tracking_number}


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.book(key="k", to=to()),
        lambda c: c.book_many([BookingRequest("k", to())]),
        lambda c: c.find_booking(key="k"),
        lambda c: c.void(key="k"),
        lambda c: c.track(tracking_numbers=["SP0"]),
        lambda c: c.paper(key="k"),
    ],
)
def test_no_call_is_made_inside_a_transaction(call):
    outside = carrier()
    with transaction.atomic(), pytest.raises(InsideTransaction):
        call(outside)
