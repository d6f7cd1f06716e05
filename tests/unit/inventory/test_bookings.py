"""Receipts, losses and counts: movements and events, which the audit holds against each other."""

import pytest

from console.audit import audit
from inventory import services
from inventory.bookings import Booking
from inventory.errors import InventoryError, NegativeCount, NothingToAdjust, UnknownProduct
from inventory.models import Product, StockMovement
from shop.messaging.event_log import as_event, timeline
from shop.messaging.models import EventRecord
from tests.support.inprocess import deliver

pytestmark = pytest.mark.django_db


def book(*bookings, actor="olga"):
    """Book (kind, SKU, quantity) each."""
    return services.book(
        bookings=[
            Booking(kind=kind, sku=sku, quantity=quantity, reason="because")
            for kind, sku, quantity in bookings
        ],
        actor=actor,
    )


def ledger():
    movements = StockMovement.objects.exclude(kind="initial").order_by("pk")
    return [(m.kind, m.product.sku, m.quantity, m.reason, m.actor) for m in movements]


@pytest.mark.parametrize(
    ("kind", "quantity", "difference", "event"),
    [
        ("received", 3, 3, "StockReceived"),
        ("write_off", 2, -2, "StockWrittenOff"),
        ("counted", 4, -1, "StockCounted"),
        ("counted", 9, 4, "StockCounted"),
        ("adjusted", -2, -2, "StockAdjusted"),
    ],
)
def test_a_booking_is_a_movement_and_an_event(teapot, available, balanced, kind, quantity, difference, event):
    [entry] = book((kind, "TEAPOT", quantity))
    assert (available("TEAPOT"), entry.difference, entry.on_hand) == (
        5 + difference,
        difference,
        5 + difference,
    )
    assert ledger() == [(kind, "TEAPOT", difference, "because", "olga")]
    assert [told.name for told in timeline(teapot.pk)] == [event]
    data = EventRecord.objects.get().data
    assert (data["sku"], data["available"], data["reason"]) == ("TEAPOT", 5 + difference, "because")
    assert balanced()


def test_a_count_includes_what_is_reserved(teapot, wants, available, reserved, balanced):
    wants(TEAPOT=2)
    book(("counted", "TEAPOT", 4))
    assert (available("TEAPOT"), reserved("TEAPOT")) == (2, 2)
    assert EventRecord.objects.get(type="inventory.StockCounted.v1").data["counted"] == 4
    assert balanced()


def test_a_count_that_agrees_is_no_movement_and_no_event(teapot):
    [entry] = book(("counted", "TEAPOT", 5))
    assert entry.difference == 0
    assert ledger() == []
    assert not EventRecord.objects.exists()


def test_bookings_of_one_product_follow_each_other(teapot, kettle, available, balanced):
    book(
        ("received", "TEAPOT", 10),
        ("write_off", "KETTLE", 3),
        ("counted", "TEAPOT", 12),
        ("write_off", "TEAPOT", 2),
        ("counted", "TEAPOT", 9),
    )
    assert (available("TEAPOT"), available("KETTLE")) == (9, 0)
    assert [row[2] for row in ledger()] == [10, -3, -3, -2, -1]
    assert balanced()


def test_of_bookings_of_which_one_is_impossible_none_is_booked(teapot, kettle, available):
    with pytest.raises(UnknownProduct):
        book(("received", "TEAPOT", 10), ("received", "GHOST", 1))
    assert (available("TEAPOT"), ledger()) == (5, [])
    assert not EventRecord.objects.exists()


def test_losses_do_not_take_what_is_reserved(teapot, wants, available):
    wants(TEAPOT=4)
    with pytest.raises(InventoryError, match="only 1 of TEAPOT besides 4 that are reserved: 2 cannot"):
        book(("write_off", "TEAPOT", 2))
    assert available("TEAPOT") == 1


@pytest.mark.parametrize(
    ("kind", "quantity", "refusal"),
    [
        ("received", 0, NothingToAdjust),
        ("received", -1, NothingToAdjust),
        ("write_off", -1, NothingToAdjust),
        ("counted", -1, NegativeCount),
    ],
)
def test_impossible_quantities_are_refused(teapot, kind, quantity, refusal):
    with pytest.raises(refusal):
        book((kind, "TEAPOT", quantity))


def test_a_preview_tells_what_would_happen_and_books_nothing(teapot, kettle, available):
    bookings = [
        Booking(kind="received", sku="TEAPOT", quantity=2, reason="x"),
        Booking(kind="write_off", sku="KETTLE", quantity=4, reason="x"),
        Booking(kind="write_off", sku="TEAPOT", quantity=7, reason="x"),
    ]
    first, wrong, last = services.preview(bookings=bookings)
    assert (first.available, last.available) == (7, 0)
    assert str(wrong) == "There are only 3 of KETTLE: 4 cannot be taken away."
    assert (available("TEAPOT"), ledger()) == (5, [])


def test_bookings_are_audited(teapot, kettle):
    book(("received", "TEAPOT", 2), ("write_off", "TEAPOT", 1), ("counted", "KETTLE", 7))
    for record in EventRecord.objects.all():
        deliver(as_event(record))
    assert [str(violation) for violation in audit().violations] == []
    StockMovement.objects.bulk_create([StockMovement(product=kettle, kind="counted", quantity=1, reason="?")])
    Product.objects.filter(sku="KETTLE").update(available=8)
    [violation] = map(str, audit().violations)
    assert "8 are on hand, and 7 by its events" in violation


@pytest.mark.parametrize(("kind", "quantity"), [("write_off", 5), ("counted", 0)])
def test_a_product_that_is_left_sold_out_is_reported(teapot, caplog, kind, quantity):
    book((kind, "TEAPOT", quantity))
    deliver(as_event(EventRecord.objects.get()), app="inventory")
    assert caplog.messages == ["TEAPOT is on sale, and an adjustment left none of it"]


def test_many_bookings_take_as_many_statements_as_one(teapot, kettle, django_assert_num_queries):
    with django_assert_num_queries(6):
        book(*[("received", sku, 1) for sku in ("TEAPOT", "KETTLE") * 5])
    assert Product.objects.get(sku="TEAPOT").available == 10
