"""The simulated carrier: the promises of the port, and its faults."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from shipping.carrier import (
    BookingRequest,
    CarrierTimeout,
    CarrierUnavailable,
    Destination,
    Label,
    carrier,
    carrier_labels,
)
from shipping.errors import KeyReused, TooLateToVoid, UnknownParcel
from shipping.models import CarrierFault, SimulatedLabel
from shop.messaging.errors import InsideTransaction

pytestmark = pytest.mark.django_db


def book(street="12 St James's Sq", key="ship:1") -> Label:
    return carrier().book(key=key, to=Destination("Ada Lovelace", street, "London", "SW1Y", "GB"))


@pytest.mark.parametrize("street", ["12 St James's Sq", "EZ6000000006"])
def test_repeated_key_gets_the_first_answer(street):
    assert book(street) == book(street) == carrier().find_booking(key="ship:1")
    assert SimulatedLabel.objects.count() == 1


def test_key_cannot_be_used_for_another_address():
    book()
    with pytest.raises(KeyReused, match="ship:1 was used for another address before"):
        book("1 Elsewhere")


def book_many(**streets):
    places = {key: Destination("Ada Lovelace", to, "London", "SW1Y", "GB") for key, to in streets.items()}
    return carrier().book_many([BookingRequest(key, to) for key, to in places.items()])


def test_of_several_each_is_booked_and_answered_under_its_key():
    labels = book_many(one="12 St James's Sq", two="EZ6000000006")
    assert {key: label.status for key, label in labels.items()} == {"one": "booked", "two": "refused"}
    assert labels == {key: carrier().find_booking(key=key) for key in labels}


def test_several_are_booked_but_for_what_has_to_be_asked_for_alone():
    made = book(key="known")
    carrier().void(key="voided")
    streets = dict.fromkeys(["known", "voided", "new"], "12 St James's Sq") | {"lost": "EZ_TIMEOUT Lane"}

    assert list(book_many(**streets)) == ["new"]
    assert carrier().find_booking(key="known") == made
    assert carrier().find_booking(key="lost") is None


def test_none_of_several_is_booked_while_something_is_wrong_with_the_carrier():
    CarrierFault.objects.create(kind="outage", operation="book", calls_left=1)
    assert book_many(one="1 Fleet St", two="2 Fleet St") == {}
    with pytest.raises(CarrierUnavailable):
        book(key="one")


def test_unknown_key_has_no_booking():
    assert carrier().find_booking(key="ship:1") is None


def test_timeout_books_and_answers_the_second_call():
    with pytest.raises(CarrierTimeout):
        book("EZ_TIMEOUT")
    assert book("EZ_TIMEOUT").status == "booked"


def test_voided_key_can_never_be_booked():
    assert carrier().void(key="ship:1").status == "voided"
    assert book().status == "voided"


def test_label_can_be_voided_until_the_parcel_moves():
    label = book()
    assert carrier().void(key="ship:1").status == "voided"
    assert carrier().void(key="ship:1").tracking_number == label.tracking_number

    moving = book(key="ship:2")
    carrier().track(tracking_numbers=[moving.tracking_number])
    with pytest.raises(TooLateToVoid, match="in_transit"):
        carrier().void(key="ship:2")


@pytest.mark.django_db(transaction=True)
def test_booking_and_void_at_once_leave_no_parcel():
    def work(call):
        try:
            call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, [book, lambda: carrier().void(key="ship:1")]))
    assert [line.status for line in carrier_labels()] == ["voided"]


@pytest.mark.parametrize(
    ("street", "last"),
    [("12 St James's Sq", "delivered"), ("ez5000000005", "return_to_sender"), ("EZ_LOST", "failure")],
)
def test_parcel_moves_a_step_whenever_it_is_asked_after(street, last):
    number = book(street).tracking_number
    told = [carrier().track(tracking_numbers=[number])[number] for _ in range(4)]

    assert [len(scans) for scans in told] == [2, 3, 4, 4]
    assert [scan.status for scan in told[-1]] == ["pre_transit", "in_transit", "out_for_delivery", last]
    times = [scan.time for scan in told[-1]]
    assert times == sorted(times)


def test_voided_parcel_does_not_move():
    number = book().tracking_number
    carrier().void(key="ship:1")
    assert len(carrier().track(tracking_numbers=[number])[number]) == 1


def test_unknown_parcel_cannot_be_tracked():
    with pytest.raises(UnknownParcel, match="no parcel SP0 is known"):
        carrier().track(tracking_numbers=["SP0"])


def test_outage_does_nothing():
    fault = CarrierFault.objects.create(kind="outage", operation="book", calls_left=1)
    with pytest.raises(CarrierUnavailable, match="out of service"):
        book()
    assert not SimulatedLabel.objects.exists()
    assert book().status == "booked"
    fault.refresh_from_db()
    assert fault.calls_left == 0


def test_timeout_fault_acts_first():
    CarrierFault.objects.create(kind="timeout", operation="book")
    with pytest.raises(CarrierTimeout):
        book()
    assert SimulatedLabel.objects.get().status == "booked"


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.book(key="k", to=Destination("Ada", "1 Road", "London", "SW1Y", "GB")),
        lambda c: c.find_booking(key="k"),
        lambda c: c.void(key="k"),
        lambda c: c.track(tracking_numbers=["SP0"]),
    ],
)
def test_no_call_is_answered_inside_a_transaction(call):
    outside = carrier()
    with transaction.atomic(), pytest.raises(InsideTransaction, match="must not be called inside"):
        call(outside)
    with transaction.atomic(), pytest.raises(InsideTransaction):
        carrier()
