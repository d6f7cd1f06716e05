"""Reads and writes of rows: equivalent to the ORM's, in fewer statements."""

from decimal import Decimal
from uuid import UUID

import pytest
from django.db import DataError, transaction

from inventory.models import OrderStock
from payments.models import GatewayFault, SimulatedCharge
from shop.messaging.relay import relay
from shop.postgres.locking import is_empty, locked
from shop.postgres.statements import insert_new, insert_once, set_fields, update_rows, update_where
from shop.postgres.writes import InsertValues

pytestmark = pytest.mark.django_db


def test_a_row_is_inserted_once_per_key():
    first, second = (SimulatedCharge(key="capture:1", currency=currency) for currency in ("EUR", "USD"))
    assert insert_once(first)
    assert not insert_once(second)
    assert SimulatedCharge.objects.get().currency == "EUR"


def test_of_several_rows_those_are_inserted_whose_keys_are_new(django_assert_num_queries):
    insert_once(SimulatedCharge(key="capture:2", currency="EUR"))
    rows = [SimulatedCharge(key=f"capture:{n}", currency="USD") for n in (1, 2, 3)]
    with django_assert_num_queries(1):
        assert insert_new(rows) == [rows[0], rows[2]]
    stored = dict(SimulatedCharge.objects.values_list("key", "currency"))
    assert stored == {"capture:1": "USD", "capture:2": "EUR", "capture:3": "USD"}
    assert insert_new([]) == []


def test_of_two_rows_with_one_key_the_first_is_inserted():
    first, second = (SimulatedCharge(reference="pi_1", key=f"capture:{n}") for n in (1, 2))
    assert insert_new([first, second]) == [first]
    assert SimulatedCharge.objects.get().key == "capture:1"


def test_rows_are_updated_in_one_statement(django_assert_num_queries):
    charges = [SimulatedCharge.objects.create(key=f"capture:{n}") for n in range(3)]
    for n, charge in enumerate(charges):
        charge.amount, charge.message = n, f"message {n}, with 'quotes' and {{braces}}"
    with django_assert_num_queries(1):
        update_rows(charges[:2], ["amount", "message"])
    stored = dict(SimulatedCharge.objects.values_list("key", "message"))
    assert stored == {"capture:0": charges[0].message, "capture:1": charges[1].message, "capture:2": ""}


def test_no_rows_take_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        update_rows([], ["amount"])


def test_what_is_too_long_is_refused_and_not_cut_off():
    charge = SimulatedCharge.objects.create(key="capture:1")
    charge.currency = "EURO"
    with pytest.raises(DataError), transaction.atomic():
        update_rows([charge], ["currency"])


def test_some_rows_are_given_the_same_values(django_assert_num_queries):
    charges = [SimulatedCharge.objects.create(key=f"capture:{n}") for n in range(3)]
    with django_assert_num_queries(1):
        set_fields(
            SimulatedCharge, [charge.pk for charge in charges[:2]], amount=Decimal("9.50"), message="%s"
        )
    stored = SimulatedCharge.objects.order_by("key").values_list("amount", "message")
    assert list(stored) == [(Decimal("9.50"), "%s"), (Decimal("9.50"), "%s"), (Decimal(0), "")]
    with django_assert_num_queries(0):
        set_fields(SimulatedCharge, [], message="none")


def test_rows_are_locked_and_read_as_django_reads_them(django_assert_num_queries):
    for n in (2, 1):
        OrderStock.objects.create(order_id=UUID(int=n), lines=[{"sku": "MUG", "quantity": n}])
    with django_assert_num_queries(1):
        found = locked(OrderStock, "order_id", [UUID(int=n) for n in (2, 1, 3)])
    assert [stock.order_id for stock in found] == [UUID(int=1), UUID(int=2)]
    assert [vars(stock) | {"_state": None} for stock in found] == [
        vars(stock) | {"_state": None} for stock in OrderStock.objects.order_by("pk")
    ]
    assert not any(stock._state.adding for stock in found)
    assert locked(OrderStock, "order_id", []) == []


def test_only_what_is_asked_for_is_read(django_assert_num_queries):
    SimulatedCharge.objects.create(key="capture:1", currency="EUR", message="as said")
    [charge] = locked(SimulatedCharge, "key", ["capture:1"], only=["reference", "currency"])
    assert charge.get_deferred_fields() >= {"key", "message"}
    with django_assert_num_queries(0):
        assert charge.currency == "EUR"
    with django_assert_num_queries(1):
        assert charge.message == "as said"


@pytest.mark.django_db(transaction=True)
def test_locked_rows_wait_for_their_transaction():
    stock = OrderStock.objects.create(order_id=UUID(int=1), lines=[])
    with transaction.atomic():
        locked(OrderStock, "order_id", [stock.order_id])
        assert _is_locked_for_others(stock)
    assert not _is_locked_for_others(stock)


def _is_locked_for_others(stock: OrderStock) -> bool:
    with relay.connect() as session:
        query = "SELECT FROM inventory_orderstock WHERE order_id = %s FOR NO KEY UPDATE SKIP LOCKED"
        return not session.execute(query, [stock.order_id]).rowcount


def test_a_table_is_empty_until_it_has_a_row():
    assert is_empty(GatewayFault)
    GatewayFault.objects.create(kind="outage")
    assert not is_empty(GatewayFault)


def test_rows_are_written_where_they_are_as_expected(django_assert_num_queries):
    charges = [SimulatedCharge.objects.create(key=f"capture:{n}", status="processing") for n in range(3)]
    SimulatedCharge.objects.filter(pk=charges[1].pk).update(status="canceled")
    SimulatedCharge.objects.filter(pk=charges[2].pk).update(code="seen_meanwhile")
    for charge in charges:
        charge.message = "written"
    with django_assert_num_queries(1):
        written = update_where(
            charges, ["message"], where={"status": "processing"}, lock_by="key", refresh=["code"]
        )
    assert [(charge.key, charge.code) for charge in written] == [
        ("capture:0", ""),
        ("capture:2", "seen_meanwhile"),
    ]
    stored = SimulatedCharge.objects.order_by("key").values_list("message", flat=True)
    assert list(stored) == ["written", "", "written"]
    assert update_where([], ["message"], where={}, lock_by="key") == []


def test_rows_are_inserted_of_plain_values_and_defaults(django_assert_num_queries):
    with django_assert_num_queries(1):
        InsertValues(GatewayFault, {"kind": ["outage", "slow"], "seconds": [0.0, 0.5]}).execute()
    stored = GatewayFault.objects.order_by("pk").values_list("kind", "operation", "seconds", "calls_left")
    assert list(stored) == [("outage", "", 0.0, None), ("slow", "", 0.5, None)]
    assert GatewayFault.objects.filter(created_at__isnull=False).count() == 2
