"""Reservation, deduction and restocking: all lines or none, once, in any order of events."""

import pytest
from django.db import transaction

from inventory import services
from inventory.events import InventoryReleased
from inventory.models import MAX_STOCK, OrderStock, StockMovement
from orders.events import Address, OrderCreated, OrderedLine, OrderSettled
from payments.events import PaymentFailed, PaymentProcessed
from shipping.events import FulfilmentStopped, ShipmentFailed
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.errors import TooEarly
from shop.messaging.models import EventRecord, ScheduledMessage
from shop.messaging.publishing import publish
from tests.support.inprocess import deliver
from tests.support.sealed import sealed_event

pytestmark = pytest.mark.django_db


def happened(event):
    """Publish an event and let inventory consume it."""
    with transaction.atomic():
        event = publish(event)
    deliver(event, app="inventory")
    return event


def order_created(order_id, **lines):
    price = Money(amount="24.95", currency="EUR")
    return sealed_event(
        OrderCreated,
        order_id=order_id,
        number="ORD-1042",
        customer_id=7,
        customer_name="Ada Lovelace",
        customer_email="ada@example.com",
        lines=[OrderedLine(sku=sku, name=sku, quantity=n, unit_price=price) for sku, n in lines.items()],
        total=price,
        payment_method="pm_card_visa",
        ship_to=Address(
            name="Ada", street="12 St James's Sq", city="London", postal_code="SW1Y", country="GB"
        ),
    )


def payment_processed(order_id):
    return PaymentProcessed(
        order_id=order_id, payment_id=uuid7(), amount=Money(amount="24.95", currency="EUR")
    )


# --- Reserving ---


def test_an_order_reserves_all_its_lines(teapot, kettle, wants, published, available, reserved, balanced):
    order = wants(TEAPOT=2, KETTLE=1)

    assert (available("TEAPOT"), available("KETTLE")) == (3, 2)
    assert (reserved("TEAPOT"), reserved("KETTLE")) == (2, 1)
    assert published(order) == ["InventoryReserved"]
    assert EventRecord.objects.get().data["lines"] == [
        {"sku": "TEAPOT", "quantity": 2},
        {"sku": "KETTLE", "quantity": 1},
    ]
    assert not StockMovement.objects.filter(order_id=order).exists()
    assert balanced()


def test_an_order_that_cannot_have_all_lines_reserves_none(
    teapot, kettle, wants, published, available, state
):
    order = wants(TEAPOT=2, KETTLE=4)

    assert (available("TEAPOT"), available("KETTLE")) == (5, 3)
    assert state(order) == OrderStock.State.REJECTED
    assert published(order) == ["InventoryRejected"]
    assert EventRecord.objects.get().data["shortages"] == [{"sku": "KETTLE", "requested": 4, "available": 3}]


def test_what_is_reserved_is_no_longer_available_to_others(teapot, wants, published):
    wants(TEAPOT=4)
    loser = wants(TEAPOT=2)
    assert published(loser) == ["InventoryRejected"]


def test_a_product_that_does_not_exist_is_out_of_stock(teapot, wants, published):
    order = wants(TEAPOT=1, GHOST=1)
    assert published(order) == ["InventoryRejected"]


def test_in_a_batch_older_orders_come_first_and_a_rejection_undoes_no_other(
    teapot, kettle, state, available, balanced
):
    first, greedy, last = uuid7(), uuid7(), uuid7()
    services.reserve_stock(
        lines={
            last: [("TEAPOT", 2), ("KETTLE", 3)],
            greedy: [("TEAPOT", 3), ("KETTLE", 1)],
            first: [("TEAPOT", 3)],
        }
    )
    assert [state(order) for order in (first, greedy, last)] == ["reserved", "rejected", "reserved"]
    assert (available("TEAPOT"), available("KETTLE")) == (0, 0)
    assert balanced()


def test_a_second_creation_reserves_nothing_more(teapot, wants, published, available):
    order = wants(TEAPOT=2)
    assert services.reserve_stock(lines={order: [("TEAPOT", 2)]}) == []
    assert available("TEAPOT") == 3
    assert published(order) == ["InventoryReserved"]


def test_a_batch_of_reservations_takes_few_statements(teapot, kettle, django_assert_num_queries):
    lines = {uuid7(): [("TEAPOT", 1), ("KETTLE", 1)] for _ in range(5)}
    # Savepoint and its release; orders; products; all writes at once.
    with django_assert_num_queries(5):
        services.reserve_stock(lines=lines)


# --- Deducting ---


def test_a_paid_order_takes_what_is_reserved(teapot, kettle, wants, published, available, reserved, balanced):
    order = wants(TEAPOT=2, KETTLE=1)
    services.deduct_stock(order_ids=[order])

    assert (available("TEAPOT"), available("KETTLE")) == (3, 2)
    assert (reserved("TEAPOT"), reserved("KETTLE")) == (0, 0)
    assert published(order) == ["InventoryReserved", "InventoryUpdated"]
    assert balanced()


def test_a_payment_of_a_rejected_order_takes_nothing(teapot, wants, published, available):
    order = wants(TEAPOT=6)
    assert services.deduct_stock(order_ids=[order]) == []
    assert available("TEAPOT") == 5
    assert published(order) == ["InventoryRejected"]


def test_a_second_payment_event_takes_nothing_more(teapot, wants, published, available):
    order = wants(TEAPOT=2)
    services.deduct_stock(order_ids=[order])
    assert services.deduct_stock(order_ids=[order]) == []
    assert available("TEAPOT") == 3
    assert published(order) == ["InventoryReserved", "InventoryUpdated"]


def test_an_order_from_before_reservations_is_served_or_rejected_when_it_is_paid(
    teapot, published, available, reserved, balanced
):
    served, rejected = uuid7(), uuid7()
    for order, quantity in ((served, 3), (rejected, 4)):
        OrderStock.objects.create(order_id=order, lines=[{"sku": "TEAPOT", "quantity": quantity}])
    services.deduct_stock(order_ids=[rejected, served])
    assert published(served) == ["InventoryUpdated"]
    assert published(rejected) == ["InventoryRejected"]
    assert (available("TEAPOT"), reserved("TEAPOT")) == (2, 0)
    assert balanced()


def test_a_batch_takes_few_statements(teapot, kettle, wants, django_assert_num_queries):
    orders = [wants(TEAPOT=1) for _ in range(4)] + [wants(KETTLE=2)]
    # Savepoint and its release; orders; products; all writes at once.
    with django_assert_num_queries(5):
        services.deduct_stock(order_ids=orders)


def test_payment_before_the_order_is_known_is_too_early():
    with pytest.raises(TooEarly, match="has not heard of order"):
        services.deduct_stock(order_ids=[uuid7()])


# --- Giving back ---


def test_restocking_puts_everything_back_once(teapot, wants, published, available, state, balanced):
    order = wants(TEAPOT=2)
    services.deduct_stock(order_ids=[order])
    services.restock(order_ids=[order])
    services.restock(order_ids=[order])

    assert available("TEAPOT") == 5
    assert state(order) == OrderStock.State.RESTOCKED
    assert published(order) == ["InventoryReserved", "InventoryUpdated", "InventoryRestocked"]
    assert balanced()


def test_stopping_a_deducted_order_restocks_it(teapot, wants, published, available):
    order = wants(TEAPOT=2)
    services.deduct_stock(order_ids=[order])
    services.stop_orders(order_ids=[order])
    assert available("TEAPOT") == 5
    assert published(order) == ["InventoryReserved", "InventoryUpdated", "InventoryRestocked"]


def test_stopping_an_order_before_payment_releases_it_for_good(teapot, wants, published, available, state):
    order = wants(TEAPOT=2)
    services.stop_orders(order_ids=[order])
    services.deduct_stock(order_ids=[order])
    assert state(order) == OrderStock.State.RELEASED
    assert available("TEAPOT") == 5
    assert published(order) == ["InventoryReserved", "InventoryReleased"]


def test_stopping_a_rejected_order_still_answers(teapot, wants, published):
    order = wants(TEAPOT=9)
    services.stop_orders(order_ids=[order])
    assert published(order) == ["InventoryRejected", "InventoryReleased"]


def test_stopping_an_order_that_was_restocked_says_nothing_twice(teapot, wants, published):
    order = wants(TEAPOT=1)
    services.deduct_stock(order_ids=[order])
    services.restock(order_ids=[order])
    services.stop_orders(order_ids=[order])
    assert published(order) == ["InventoryReserved", "InventoryUpdated", "InventoryRestocked"]


def test_one_batch_of_stops_answers_each_order_by_its_state(teapot, wants, published, balanced):
    taken, untaken, unknown = wants(TEAPOT=2), wants(TEAPOT=2), uuid7()
    services.deduct_stock(order_ids=[taken])
    services.stop_orders(order_ids=[unknown, untaken, taken])
    assert published(taken)[-1] == "InventoryRestocked"
    assert published(untaken) == ["InventoryReserved", "InventoryReleased"]
    assert published(unknown) == ["InventoryReleased"]
    assert balanced()


def test_an_order_that_an_operator_ended_keeps_what_is_taken_and_reserves_nothing(
    teapot, wants, published, available, state, balanced
):
    taken, held = wants(TEAPOT=1), wants(TEAPOT=2)
    services.deduct_stock(order_ids=[taken])
    services.release_settled(order_ids=[taken, held])
    assert (state(taken), state(held)) == ("deducted", "released")
    assert available("TEAPOT") == 4
    assert published(held)[-1] == "InventoryReleased"
    assert balanced()


# --- Through the consumers ---


def test_the_events_of_an_order_do_their_work_however_often_they_come(teapot, published, available):
    order = uuid7()
    created = happened(order_created(order, TEAPOT=2))
    paid = happened(payment_processed(order))
    failed = happened(
        sealed_event(
            ShipmentFailed, order_id=order, shipment_id=uuid7(), code="failure", message="Address not served"
        )
    )
    for event in (failed, created, paid, failed):
        deliver(event, app="inventory")
    assert available("TEAPOT") == 5
    assert [name for name in published(order) if name.startswith("Inventory")] == [
        "InventoryReserved",
        "InventoryUpdated",
        "InventoryRestocked",
    ]


def payment_failed(order_id):
    return sealed_event(
        PaymentFailed, order_id=order_id, payment_id=uuid7(), code="card_declined", message="Declined"
    )


def test_a_payment_that_failed_releases_what_was_reserved(
    teapot, published, available, state, reserved, balanced
):
    order = uuid7()
    happened(order_created(order, TEAPOT=2))
    assert reserved("TEAPOT") == 2
    happened(payment_failed(order))
    assert (available("TEAPOT"), reserved("TEAPOT")) == (5, 0)
    assert state(order) == OrderStock.State.RELEASED
    assert balanced()


def test_a_creation_that_comes_after_the_payment_failed_reserves_nothing(teapot, published, available):
    order = uuid7()
    happened(payment_failed(order))
    happened(order_created(order, TEAPOT=2))
    assert available("TEAPOT") == 5
    assert "InventoryReserved" not in published(order)


def test_a_settled_order_reserves_nothing_any_more(teapot, available):
    order = uuid7()
    happened(order_created(order, TEAPOT=2))
    happened(OrderSettled(order_id=order, number="ORD-1042", attention="books_differ", reason="Agreed"))
    assert available("TEAPOT") == 5


def test_a_late_creation_and_payment_of_a_stopped_order_do_nothing(teapot, published, available, state):
    order = uuid7()
    happened(FulfilmentStopped(order_id=order, reason="customer"))
    happened(order_created(order, TEAPOT=2))
    happened(payment_processed(order))
    assert state(order) == OrderStock.State.RELEASED
    assert available("TEAPOT") == 5
    assert "InventoryUpdated" not in published(order)


def test_a_payment_that_overtakes_the_order_waits_for_it():
    order = uuid7()
    happened(payment_processed(order))
    assert ScheduledMessage.objects.get().kind == ScheduledMessage.Kind.DEFERRED


def test_a_failed_shipment_that_overtakes_the_deduction_is_too_early(teapot, wants):
    with pytest.raises(TooEarly):
        services.restock(order_ids=[wants(TEAPOT=1)])


def test_released_says_only_which_order(db):
    order = uuid7()
    services.stop_orders(order_ids=[order])
    assert InventoryReleased.model_validate(EventRecord.objects.get().data).order_id == order


def test_goods_that_come_back_fit_into_the_fullest_shelf(teapot, wants, available):
    order = wants(TEAPOT=5)
    services.deduct_stock(order_ids=[order])
    services.adjust_stock(sku="TEAPOT", quantity=MAX_STOCK, reason="Delivery")
    services.restock(order_ids=[order])
    assert available("TEAPOT") == MAX_STOCK + 5
