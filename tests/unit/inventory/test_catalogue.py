"""Catalogue, adjustments, constraints of the ledger, and queries."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction

from inventory import queries, services
from inventory.errors import (
    CountBelowReserved,
    IllegalTransition,
    NotEnoughStock,
    NothingToAdjust,
    ReasonMissing,
    StockLimitExceeded,
    UnknownProduct,
)
from inventory.models import MAX_STOCK, OrderStock, Product, StockMovement
from inventory.services import NewProduct
from shop.ids import uuid7

pytestmark = pytest.mark.django_db


# --- Adding ---


def test_a_new_product_comes_with_its_stock_and_a_movement(teapot):
    assert (teapot.available, teapot.initial_stock, teapot.currency) == (5, 5, "EUR")
    movement = StockMovement.objects.get()
    assert (movement.kind, movement.quantity) == ("initial", 5)


def test_adding_a_known_product_changes_how_it_is_sold_and_not_its_stock(teapot):
    services.adjust_stock(sku="TEAPOT", quantity=-1, reason="Broken")
    again = services.add_product(
        sku="TEAPOT", name="Tea pot", price=Decimal("19.95"), active=False, picture="🫖", stock=500
    )
    assert again.pk == teapot.pk
    assert (again.name, again.price, again.active, again.picture) == (
        "Tea pot",
        Decimal("19.95"),
        False,
        "🫖",
    )
    assert (again.available, again.initial_stock) == (4, 5)
    assert StockMovement.objects.filter(kind="initial").count() == 1


def test_many_products_take_few_statements(django_assert_num_queries):
    products = [
        NewProduct(sku=f"SKU-{n}", name=f"No {n}", price=Decimal("1.00"), stock=n) for n in range(300)
    ]
    with django_assert_num_queries(5):
        added = services.add_products(products=products)
    assert [p.sku for p in added] == [p.sku for p in products]
    assert StockMovement.objects.count() == 300


@pytest.mark.parametrize(
    "wrong", [{"sku": "TEA POT"}, {"sku": "TEA\n"}, {"price": Decimal("-0.01")}, {"stock": -1}]
)
def test_a_product_that_makes_no_sense_is_refused(wrong):
    facts = {"sku": "TEAPOT", "name": "Teapot", "price": Decimal("24.95"), "stock": 5} | wrong
    with pytest.raises(ValidationError):
        services.add_product(**facts)


# --- Adjusting ---


def test_an_adjustment_keeps_who_and_why(teapot):
    services.adjust_stock(sku="TEAPOT", quantity=7, reason=" Delivery ", actor="olga")
    [movement, _] = queries.movements_of_product("TEAPOT")
    assert (movement.kind, movement.quantity, movement.reason, movement.actor) == (
        "adjusted",
        7,
        "Delivery",
        "olga",
    )
    assert queries.stock_levels(["TEAPOT"])["TEAPOT"].available == 12


@pytest.mark.parametrize(
    ("sku", "quantity", "reason", "refusal"),
    [
        ("GHOST", 1, "Delivery", UnknownProduct),
        ("TEAPOT", -6, "Broken", NotEnoughStock),
        ("TEAPOT", 0, "Counted", NothingToAdjust),
        ("TEAPOT", 1, "  ", ReasonMissing),
        ("TEAPOT", MAX_STOCK, "Delivery", StockLimitExceeded),
    ],
)
def test_an_impossible_adjustment_is_refused(teapot, available, sku, quantity, reason, refusal):
    with pytest.raises(refusal):
        services.adjust_stock(sku=sku, quantity=quantity, reason=reason)
    assert available("TEAPOT") == 5


def test_a_refusal_says_what_is_wrong(teapot, wants):
    with pytest.raises(NotEnoughStock, match="There are only 5 of TEAPOT: 6 cannot be taken away"):
        services.adjust_stock(sku="TEAPOT", quantity=-6, reason="Broken")
    wants(TEAPOT=2)
    with pytest.raises(NotEnoughStock, match="only 3 of TEAPOT besides 2 that are reserved: 4 cannot"):
        services.adjust_stock(sku="TEAPOT", quantity=-4, reason="Broken")


def test_a_count_cannot_be_below_what_is_reserved(teapot, wants, available):
    wants(TEAPOT=4)
    with pytest.raises(CountBelowReserved, match="Of TEAPOT, 4 are reserved for orders: 3 cannot be all"):
        services.recount_stock(sku="TEAPOT", counted=3, reason="Counted")
    services.recount_stock(sku="TEAPOT", counted=4, reason="Counted")
    assert available("TEAPOT") == 0


def test_a_count_repairs_what_is_reserved_by_mistake(teapot, wants, available, balanced):
    wants(TEAPOT=1)
    Product.objects.update(reserved=3)
    services.recount_stock(sku="TEAPOT", counted=5, reason="Counted")
    assert available("TEAPOT") == 4
    assert balanced()


# --- Constraints of the database ---


def test_the_database_refuses_negative_stock(teapot):
    with pytest.raises(IntegrityError, match="product_never_oversold"):
        Product.objects.update(available=-1)


@pytest.mark.parametrize("rewrite", ["delete", "update"])
def test_the_database_refuses_to_rewrite_the_ledger(teapot, rewrite):
    movements = StockMovement.objects.all()
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        movements._raw_delete("default") if rewrite == "delete" else movements.update(quantity=6)
    assert movements.get().quantity == 5


def test_a_movement_is_written_once(teapot):
    movement = StockMovement.objects.get()
    for rewrite in (movement.save, movement.delete):
        with pytest.raises(TypeError, match="opposite"):
            rewrite()


def test_the_database_refuses_a_second_sale_to_one_order(teapot):
    order = uuid7()
    StockMovement.objects.create(product=teapot, kind="sold", quantity=-1, order_id=order)
    with pytest.raises(IntegrityError, match="movement_once_per_order_and_kind"):
        StockMovement.objects.create(product=teapot, kind="sold", quantity=-1, order_id=order)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "sold", "quantity": 1, "order_id": uuid7()},
        {"kind": "sold", "quantity": -1},
        {"kind": "restocked", "quantity": -1, "order_id": uuid7()},
        {"kind": "adjusted", "quantity": 1},
        {"kind": "lost", "quantity": -1},
    ],
)
def test_the_database_refuses_movements_that_make_no_sense(teapot, wrong):
    with pytest.raises(IntegrityError, match="movement_"):
        StockMovement.objects.create(product=teapot, **wrong)


def test_only_legal_transitions_happen():
    legal = {
        ("remembered", "deducted"),
        ("remembered", "rejected"),
        ("remembered", "released"),
        ("remembered", "awaiting"),
        ("reserved", "short"),
        ("short", "reserved"),
        ("short", "awaiting"),
        ("short", "deducted"),
        ("short", "released"),
        ("awaiting", "deducted"),
        ("awaiting", "released"),
        ("reserved", "deducted"),
        ("reserved", "rejected"),
        ("reserved", "released"),
        ("deducted", "restocked"),
        ("rejected", "released"),
    }
    for before in OrderStock.State.values:
        for after in OrderStock.State.values:
            order = OrderStock(order_id=uuid7(), state=before)
            if (before, after) in legal:
                order.move_to(after)
                assert order.state == after
            else:
                with pytest.raises(IllegalTransition, match=f"is {before}: it cannot become {after}"):
                    order.move_to(after)


# --- Queries ---


def test_prices_come_in_one_statement_for_what_exists(teapot, kettle, django_assert_num_queries):
    services.add_product(sku="KETTLE", name="Copper kettle", price=Decimal("79.00"), active=False)
    with django_assert_num_queries(1):
        prices = queries.prices_of(["KETTLE", "TEAPOT", "GHOST"])
    assert prices == {
        "TEAPOT": queries.Price("TEAPOT", "Teapot", Decimal("24.95"), "EUR", True),
        "KETTLE": queries.Price("KETTLE", "Copper kettle", Decimal("79.00"), "EUR", False),
    }


def test_the_catalogue_shows_what_is_sold_page_by_page(teapot, kettle):
    services.add_product(sku="OLD", name="Old pot", price=Decimal("1.00"), active=False)
    assert [item.sku for item in queries.catalogue()] == ["KETTLE", "TEAPOT"]
    assert [item.sku for item in queries.catalogue(limit=1)] == ["KETTLE"]
    assert [item.sku for item in queries.catalogue(limit=1, after="KETTLE")] == ["TEAPOT"]
    assert [item.sku for item in queries.catalogue(search="kettle COPPER")] == ["KETTLE"]
    assert queries.product("OLD").active is False
    assert queries.product("GHOST") is None


def test_several_products_take_one_statement(teapot, kettle, django_assert_num_queries):
    services.add_product(sku="OLD", name="Old pot", price=Decimal("1.00"), active=False)
    with django_assert_num_queries(1):
        found = queries.products(["TEAPOT", "OLD", "GHOST"])
    assert {sku: (item.available, item.active) for sku, item in found.items()} == {
        "TEAPOT": (5, True),
        "OLD": (0, False),
    }


def test_what_runs_out_is_listed_scarcest_first(teapot, kettle):
    assert [level.sku for level in queries.low_stock(below=6)] == ["KETTLE", "TEAPOT"]
    assert [level.sku for level in queries.low_stock(below=4)] == ["KETTLE"]


def test_an_orders_stock_can_be_asked_for(teapot, wants):
    order = wants(TEAPOT=9)
    services.deduct_stock(order_ids=[order])
    found = queries.stock_of_order(order)
    assert (found.state, found.wanted, found.shortages) == ("rejected", {"TEAPOT": 9}, {"TEAPOT": (9, 5)})
    assert queries.stock_of_order(uuid7()) is None


def test_the_audit_gets_every_product_and_every_order(teapot, kettle, wants):
    back, gone, never = wants(TEAPOT=2, KETTLE=1), wants(TEAPOT=1), wants(TEAPOT=1)
    services.deduct_stock(order_ids=[back, gone])
    services.restock(order_ids=[back])
    stray = uuid7()
    StockMovement.objects.create(product=kettle, kind="sold", quantity=-1, order_id=stray)

    products = {facts.sku: facts for facts in queries.stock_facts()}
    assert products["TEAPOT"].movements == {"initial": 5, "sold": -3, "restocked": 2}
    assert products["TEAPOT"].expected == products["TEAPOT"].on_hand == 4
    assert products["TEAPOT"].reserved == 1 == products["TEAPOT"].reserved_for_orders
    assert products["KETTLE"].expected == 2 != products["KETTLE"].on_hand

    orders = {facts.order_id: facts for facts in queries.order_stock_facts()}
    assert orders[back].deducted == orders[back].restocked == {"TEAPOT": 2, "KETTLE": 1}
    assert (orders[gone].state, orders[gone].deducted, orders[gone].restocked) == (
        "deducted",
        {"TEAPOT": 1},
        {},
    )
    assert (orders[never].state, orders[never].deducted) == ("reserved", {})
    assert (orders[stray].state, orders[stray].wanted, orders[stray].deducted) == (
        "unknown",
        {},
        {"KETTLE": 1},
    )


def test_a_product_has_a_name_that_can_be_seen():
    with pytest.raises(ValidationError, match="can be seen"):
        Product(sku="VASE", name="\u200b", price=Decimal(1)).full_clean()
